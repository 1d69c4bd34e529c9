// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.KvAddress.Parallel;
import dev.tandem.core.fleet.Role;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.URI;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What an engine says of itself every 3 s. Immutable.
 *
 * <p>{@code zmq_address} is {@code IP:PORT} of vLLM's P2pNcclConnector (v0.9.2 to v0.23.0), or
 * {@code host:IP,handshake:PORT,notify:PORT} of its MoRIIOConnector (main of 2026-08-17). Addresses are IPv4: the ids
 * into which they are written cannot carry others.
 *
 * @param engine the engine
 * @param hosts the addresses that it names
 */
record Announcement(RegisteredEngine engine, Set<InetAddress> hosts) {
    private static final String HOST = "(?<host>[0-9.]{7,15})";
    private static final Pattern ENDPOINT = Pattern.compile(HOST + ":(?<port>[0-9]{1,5})");
    private static final Pattern THREE_PORTS =
            Pattern.compile("host:" + HOST + ",handshake:(?<port>[0-9]{1,5}),notify:(?<second>[0-9]{1,5})");
    private static final Set<String> MODES = Set.of("READ", "WRITE");
    private static final int MOST_PROCESSES = 4096;

    /** Copies the set. */
    Announcement {
        hosts = Set.copyOf(hosts);
    }

    /**
     * Reads a message.
     *
     * @return what it announces, or null when its type is none that announces
     */
    static @Nullable Announcement read(byte[] message) throws MalformedMessageException {
        MessageMap map = MessageMap.read(message);
        Role role = role(map.text("type"));
        if (role == null) {
            return null;
        }
        Matcher http = match("http_address", map.text("http_address"), List.of(ENDPOINT));
        Matcher zmq = match("zmq_address", map.text("zmq_address"), List.of(ENDPOINT, THREE_PORTS));
        Set<InetAddress> hosts = hosts(host(http), host(zmq));
        Parallel parallel = new Parallel(processes(map, "tp_size"), 1, processes(map, "dp_size"));
        int second = zmq.pattern() == THREE_PORTS ? port(zmq.group("second")) : 0;
        RegisteredEngine engine = new RegisteredEngine(
                role,
                URI.create("http://" + http.group("host") + ":" + port(http.group("port"))),
                new KvAddress(zmq.group("host"), port(zmq.group("port")), second, null, parallel),
                mode(map.text("transfer_mode")));
        return new Announcement(engine, hosts);
    }

    private static @Nullable Role role(@Nullable String type) {
        if ("P".equals(type)) {
            return Role.PREFILL;
        }
        return "D".equals(type) ? Role.DECODE : null;
    }

    private static Matcher match(String field, @Nullable String text, List<Pattern> patterns)
            throws MalformedMessageException {
        for (Pattern pattern : patterns) {
            Matcher matcher = pattern.matcher(text == null ? "" : text);
            if (matcher.matches()) {
                return matcher;
            }
        }
        throw new MalformedMessageException(field + " is none");
    }

    private static int port(String digits) throws MalformedMessageException {
        int port = Integer.parseInt(digits);
        if (port < 1 || port > 65_535) {
            throw new MalformedMessageException("a port is none");
        }
        return port;
    }

    /** An address has one way to be written, so that equal ones are equal texts. */
    private static InetAddress host(Matcher endpoint) throws MalformedMessageException {
        String text = endpoint.group("host");
        InetAddress address = NetUtil.createInetAddressFromIpAddressString(text);
        if (address == null || !address.getHostAddress().equals(text)) {
            throw new MalformedMessageException("an address is none");
        }
        return address;
    }

    private static Set<InetAddress> hosts(InetAddress http, InetAddress zmq) {
        return http.equals(zmq) ? Set.of(http) : Set.of(http, zmq);
    }

    private static int processes(MessageMap map, String field) throws MalformedMessageException {
        long number = map.number(field, 1);
        if (number < 1 || number > MOST_PROCESSES) {
            throw new MalformedMessageException(field + " is none");
        }
        return (int) number;
    }

    private static @Nullable String mode(@Nullable String text) throws MalformedMessageException {
        if (text != null && !MODES.contains(text)) {
            throw new MalformedMessageException("transfer_mode is none");
        }
        return text;
    }
}
