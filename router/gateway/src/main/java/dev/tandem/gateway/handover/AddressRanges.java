// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import io.netty.handler.ipfilter.IpFilterRuleType;
import io.netty.handler.ipfilter.IpSubnetFilterRule;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;

/** Addresses from which messages are taken. Immutable. */
public final class AddressRanges {
    /** Processes of this machine. */
    public static final AddressRanges LOOPBACK = of(List.of("127.0.0.0/8", "::1"));

    private static final int NO_BITS = -1;

    private final List<IpSubnetFilterRule> rules;

    private AddressRanges(List<IpSubnetFilterRule> rules) {
        this.rules = rules;
    }

    /**
     * Reads ranges such as {@code 10.0.0.0/8} or {@code fd00::/8} and single addresses; never asks a name server.
     *
     * @throws IllegalArgumentException if one is neither
     */
    public static AddressRanges of(List<String> ranges) {
        return new AddressRanges(ranges.stream().map(AddressRanges::rule).toList());
    }

    /** Whether the address is in one of the ranges. */
    boolean contain(InetAddress address) {
        InetSocketAddress socket = new InetSocketAddress(address, 0);
        return rules.stream().anyMatch(rule -> rule.matches(socket));
    }

    private static IpSubnetFilterRule rule(String range) {
        int slash = range.indexOf('/');
        InetAddress address =
                NetUtil.createInetAddressFromIpAddressString(slash < 0 ? range : range.substring(0, slash));
        int most = address == null ? NO_BITS : address.getAddress().length * Byte.SIZE;
        int bits = slash < 0 ? most : bits(range.substring(slash + 1));
        if (address == null || bits < 0 || bits > most) {
            throw new IllegalArgumentException(
                    "address range: " + range + " (expected: an address or a range such as 10.0.0.0/8)");
        }
        return new IpSubnetFilterRule(address, bits, IpFilterRuleType.ACCEPT);
    }

    private static int bits(String digits) {
        return digits.matches("[0-9]{1,3}") ? Integer.parseInt(digits) : NO_BITS;
    }
}
