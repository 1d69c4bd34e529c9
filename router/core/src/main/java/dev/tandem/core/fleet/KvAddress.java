// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where other engines reach the KV cache of an engine, as far as a router must tell them. Immutable.
 *
 * @param host host name or IPv4 address that other engines connect to
 * @param port first port of the engine: KV, side channel, bootstrap, handshake or init port, whatever the protocol
 *     calls it; rank 0
 * @param secondPort second port where the protocol has two (MoRIIO: notify, LMCache: alloc), else 0
 * @param engineId id under which other engines know it, or null when it has not said
 * @param parallel over how many processes it is spread
 */
public record KvAddress(
        String host, int port, int secondPort, @Nullable String engineId, Parallel parallel) {
    /** Text of hosts is sent to engines inside ids and URLs. */
    private static final Pattern HOST = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?");

    /** Checks host and ports. */
    public KvAddress {
        if (!HOST.matcher(host).matches()) {
            throw new IllegalArgumentException("host: " + host + " (expected: a host name or an IPv4 address)");
        }
        if (port < 1 || port > 65_535) {
            throw new IllegalArgumentException("port: " + port + " (expected: 1 to 65535)");
        }
        if (secondPort < 0 || secondPort > 65_535) {
            throw new IllegalArgumentException("second port: " + secondPort + " (expected: 0 to 65535)");
        }
    }

    /** Returns the address of an engine in one process that has one port. */
    public static KvAddress of(String host, int port) {
        return new KvAddress(host, port, 0, null, Parallel.NONE);
    }

    /** Returns this address with the id of the engine that answers there. */
    public KvAddress withEngineId(String id) {
        return new KvAddress(host, port, secondPort, id, parallel);
    }

    /** Returns {@code host:port}. */
    public String hostAndPort() {
        return host + ":" + port;
    }

    /**
     * Over how many processes an engine is spread, each at least 1.
     *
     * @param tp tensor parallel size
     * @param pp pipeline parallel size
     * @param dp data parallel size
     */
    public record Parallel(int tp, int pp, int dp) {
        /** One process. */
        public static final Parallel NONE = new Parallel(1, 1, 1);

        /** Checks the sizes. */
        public Parallel {
            if (Math.min(tp, Math.min(pp, dp)) < 1) {
                throw new IllegalArgumentException(
                        "parallel sizes: " + tp + ", " + pp + ", " + dp + " (expected: at least 1 each)");
            }
        }
    }
}
