// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import dev.tandem.gateway.handover.AddressRanges;
import dev.tandem.gateway.handover.ListenerSettings;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.function.Supplier;
import reactor.netty.ChannelBindException;

/** Checks what is said of listeners for engines, in words that an operator can act on. Stateless. */
final class EngineListeners {
    private EngineListeners() {}

    /**
     * Checks the settings of a listener.
     *
     * @param group common part of their names, such as {@code tandem.handover.http}
     * @throws InvalidConfigurationException if everybody could connect, or a range is none
     */
    static ListenerSettings settings(String group, String address, int port, List<String> allowed) {
        if (!allowed.isEmpty()) {
            return new ListenerSettings(address, port, ranges(group, allowed));
        }
        if (!loopback(group, address)) {
            throw new InvalidConfigurationException(
                    group + " listens on " + address + ", where anybody can reach it",
                    "Name the engines' addresses in " + group + ".allowed, such as 10.0.0.0/8, or set " + group
                            + ".address to 127.0.0.1.");
        }
        return new ListenerSettings(address, port, AddressRanges.LOOPBACK);
    }

    /**
     * Opens a listener.
     *
     * @throws InvalidConfigurationException if it cannot listen there
     */
    static <T> T open(String group, ListenerSettings settings, Supplier<T> opening) {
        try {
            return opening.get();
        } catch (UncheckedIOException | ChannelBindException e) {
            throw new InvalidConfigurationException(
                    group + " cannot listen on " + settings.address() + ":" + settings.port(),
                    "Free the port, or set " + group + ".port and " + group + ".address to others (port 0 takes any).");
        }
    }

    private static AddressRanges ranges(String group, List<String> allowed) {
        try {
            return AddressRanges.of(allowed);
        } catch (IllegalArgumentException e) {
            throw new InvalidConfigurationException(
                    group + ".allowed: " + e.getMessage(), "Name addresses and ranges, separated by commas.");
        }
    }

    /** Whether an address stands for all of this machine, so that nobody else can call it. */
    static boolean everywhere(String group, String address) {
        return resolved(group, address).isAnyLocalAddress();
    }

    private static boolean loopback(String group, String address) {
        return resolved(group, address).isLoopbackAddress();
    }

    private static InetAddress resolved(String group, String address) {
        try {
            return InetAddress.getByName(address);
        } catch (UnknownHostException e) {
            throw new InvalidConfigurationException(
                    group + ".address: " + address + " is no address of this machine",
                    "Set it to one, or to 127.0.0.1.");
        }
    }
}
