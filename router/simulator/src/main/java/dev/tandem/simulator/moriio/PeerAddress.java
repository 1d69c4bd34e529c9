// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.moriio;

import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * Where the other engine of a hand-over is, found as vLLM does: in the request id, or else in the parameters.
 * Immutable.
 *
 * @param text The address as it stands in the id; null if it came from the parameters.
 * @param host Host.
 * @param handshakePort Port for the handshake.
 */
record PeerAddress(@Nullable String text, String host, int handshakePort) {
    private static final Pattern PREFILL = Pattern.compile("___prefill_addr_(.+?)___decode_addr_");
    private static final Pattern DECODE = Pattern.compile("___decode_addr_(.+)_[0-9a-f]{32}(?:-.*)?$");

    /** Returns the address of the prefill engine in a request id, as it stands there; null without one. */
    static @Nullable String prefill(String requestId) {
        return find(PREFILL, requestId);
    }

    /** Returns the address of the decode engine in a request id, as it stands there; null without one. */
    static @Nullable String decode(String requestId) {
        return find(DECODE, requestId);
    }

    /** Returns what an address in a request id, or the parameters without one, say; null if that is no address. */
    static @Nullable PeerAddress of(@Nullable String inId, ObjectNode params) {
        if (inId != null) {
            return parse(inId);
        }
        String host = params.path("remote_host").asString("");
        int port = params.path("remote_handshake_port").asInt(0);
        boolean whole = !host.isEmpty()
                && isPort(port)
                && params.path("remote_notify_port").asInt(0) > 0;
        return whole ? new PeerAddress(null, host, port) : null;
    }

    /** Parses {@code host:IP,handshake:PORT,notify:PORT}, each part at its first colon; null for anything else. */
    static @Nullable PeerAddress parse(String text) {
        Map<String, String> parts = new HashMap<>();
        for (String part : text.split(",", -1)) {
            String[] pair = part.split(":", 2);
            parts.put(pair[0].strip(), pair.length > 1 ? pair[1].strip() : "");
        }
        String host = parts.getOrDefault("host", "");
        String handshake = parts.getOrDefault("handshake", "");
        boolean whole = !host.isEmpty()
                && handshake.matches("\\d{1,5}")
                && parts.getOrDefault("notify", "").matches("\\d{1,5}")
                && isPort(Integer.parseInt(handshake));
        return whole ? new PeerAddress(text, host, Integer.parseInt(handshake)) : null;
    }

    /** Returns the socket address; looks the host up. */
    InetSocketAddress socket() {
        return new InetSocketAddress(host, handshakePort);
    }

    private static boolean isPort(int port) {
        return port > 0 && port < 1 << 16;
    }

    private static @Nullable String find(Pattern pattern, String requestId) {
        Matcher matcher = pattern.matcher(requestId);
        return matcher.find() ? matcher.group(1) : null;
    }
}
