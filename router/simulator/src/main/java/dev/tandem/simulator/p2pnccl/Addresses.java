// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.p2pnccl;

import java.net.InetSocketAddress;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The addresses of engines inside a request id, found with vLLM's own patterns, which are greedy. */
final class Addresses {
    private static final Pattern PREFILL = Pattern.compile("___prefill_addr_(.*):(\\d+)___");
    private static final Pattern DECODE = Pattern.compile("___decode_addr_(.*):(\\d+)");

    private Addresses() {}

    /** Returns the address of the decode engine, as a prefill engine finds it; null without one. */
    static @Nullable InetSocketAddress decode(String requestId) {
        return find(DECODE, requestId);
    }

    /** Returns the address of the prefill engine, as a decode engine finds it; null without one. */
    static @Nullable InetSocketAddress prefill(String requestId) {
        return find(PREFILL, requestId);
    }

    private static @Nullable InetSocketAddress find(Pattern pattern, String requestId) {
        Matcher matcher = pattern.matcher(requestId);
        if (!matcher.find() || matcher.group(2).length() > 5 || Integer.parseInt(matcher.group(2)) > 65_535) {
            return null;
        }
        return InetSocketAddress.createUnresolved(matcher.group(1), Integer.parseInt(matcher.group(2)));
    }
}
