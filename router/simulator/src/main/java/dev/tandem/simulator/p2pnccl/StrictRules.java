// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.p2pnccl;

import dev.tandem.simulator.strict.DecodeShape;
import dev.tandem.simulator.strict.PrefillShape;
import dev.tandem.simulator.transfer.Asked;
import java.net.InetSocketAddress;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What a correct router never sends to an engine with this connector. */
final class StrictRules {
    private static final Pattern HOST = Pattern.compile("[A-Za-z0-9.-]+");

    private StrictRules() {}

    /** Returns what is wrong with a request; null if nothing. */
    static @Nullable String violation(Asked asked, P2pNcclConfig config, boolean producer) {
        String id = asked.header().apply("x-request-id");
        if (id == null) {
            return "x-request-id: absent (expected: the addresses of both engines)";
        }
        InetSocketAddress prefill = Addresses.prefill(id);
        InetSocketAddress decode = Addresses.decode(id);
        if (prefill == null || decode == null) {
            return "x-request-id: " + id
                    + " (expected: ___prefill_addr_<host:port>___decode_addr_<host:port>_<something unique>)";
        }
        if (!HOST.matcher(decode.getHostString()).matches()) {
            return "x-request-id: " + decode.getHostString() + " is no host (expected: no colon and digits at the end)";
        }
        String meant = text(producer ? prefill : decode);
        if (!meant.equals(config.zmqAddress())) {
            return "x-request-id: " + meant + " (expected: this engine's " + config.zmqAddress() + ")";
        }
        if (asked.body().hasNonNull("kv_transfer_params")) {
            return "kv_transfer_params: present (expected: nothing in the body)";
        }
        return producer
                ? PrefillShape.violation(asked.body())
                : DecodeShape.violation(asked.body(), "a decode leg, whose samples would wait for ever");
    }

    private static String text(InetSocketAddress address) {
        return address.getHostString() + ":" + address.getPort();
    }
}
