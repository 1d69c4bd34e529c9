// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.KvAddress.Parallel;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.time.FakeTicker;
import dev.tandem.gateway.handover.Registry.Rules;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Over real sockets, with engines and strangers that are played byte by byte. */
@Timeout(60)
class RegistryTest {
    private static final String ACCEPTED = "registration accepted";
    private static final String REFUSED = "registration refused";
    private static final String MALFORMED = "registration malformed";
    private static final String LIMITED = "registration limited";
    private static final AddressRanges TEST_NETS =
            AddressRanges.of(List.of("127.0.0.0/8", "10.0.0.0/8", "0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4"));

    private final FakeTicker time = new FakeTicker();
    private final Heard heard = new Heard();
    private final BlockingQueue<List<RegisteredEngine>> changes = new LinkedBlockingQueue<>();
    private final Set<URI> wells = ConcurrentHashMap.newKeySet();
    private Registry registry = open(AddressRanges.LOOPBACK, new Rules(3, true));

    @AfterEach
    void close() {
        registry.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "00",
                "474554202f20485454502f312e310d0a0d0a", // GET / HTTP/1.1
                "ff00000000000000017e" + "0300" + "4e554c4c", // no signature
                "ff00000000000000017f" + "0200" + "4e554c4c", // ZMTP 2
                "ff00000000000000017f" + "0300" + "504c41494e" // PLAIN
            })
    void hangsUpOnWhoDoesNotSpeakItsLanguage(String hex) throws Exception {
        try (RawPeer stranger = RawPeer.from("127.0.0.1", registry.port())) {
            boolean anybody = hex.startsWith("ff");
            stranger.send(anybody ? hex + "00".repeat(64 - hex.length() / 2) : hex)
                    .awaitClose();
        }

        assertThat(heard.next()).isEqualTo(MALFORMED);
        assertStillListens();
    }

    @Test
    void hangsUpOnAFrameThatIsTooLong() throws Exception {
        try (RawPeer engine = RawPeer.from("127.0.0.1", registry.port())) {
            engine.send(RawPeer.GREETING + RawPeer.READY_DEALER + "020000000000500000" + "00".repeat(9000))
                    .awaitClose();
            assertThat(heard.next()).isEqualTo(LIMITED);
        }
        try (RawPeer stranger = RawPeer.from("127.0.0.1", registry.port())) {
            stranger.send(RawPeer.GREETING + RawPeer.READY_DEALER + "02ffffffffffffffff")
                    .awaitClose();
            assertThat(heard.next()).isEqualTo(LIMITED);
        }
        assertStillListens();
    }

    @Test
    void keepsNothingOfAMessageWithoutAnEnd() throws Exception {
        try (RawPeer stranger = RawPeer.from("127.0.0.2", registry.port())) {
            stranger.send(RawPeer.GREETING + RawPeer.READY_DEALER);
            for (int i = 0; i < 300; i++) {
                stranger.frame(1, new byte[100]);
            }
            for (int i = 100; i < 300; i++) {
                assertThat(heard.next()).isEqualTo(LIMITED);
            }
        }
        assertStillListens();
    }

    @Test
    void dropsMessagesOfSeveralFrames() throws Exception {
        try (ZmqPeer engine = ZmqPeer.dealer(registry.port())) {
            engine.sendParts(new byte[0], prefill("127.0.0.1:21001"));
            assertThat(heard.next()).isEqualTo(MALFORMED);

            engine.send(prefill("127.0.0.1:21001"));
            assertThat(heard.next()).isEqualTo(ACCEPTED);
        }
    }

    @Test
    void survivesGarbageAndTruncation() throws Exception {
        byte[] whole = prefill("127.0.0.1:21001");
        try (ZmqPeer engine = ZmqPeer.dealer(registry.port())) {
            engine.send(new byte[0]).send(new byte[] {1, 2, 3}).send(Arrays.copyOf(whole, whole.length - 1));
            assertThat(heard.next()).isEqualTo(MALFORMED);
            assertThat(heard.next()).isEqualTo(MALFORMED);
            assertThat(heard.next()).isEqualTo(MALFORMED);

            engine.send(whole);
            assertThat(heard.next()).isEqualTo(ACCEPTED);
        }
    }

    @Test
    void ignoresTypesThatItDoesNotKnow() throws Exception {
        try (ZmqPeer engine = ZmqPeer.dealer(registry.port())) {
            engine.send(Packed.map("type", "HELLO")).send(Packed.map("x", 1)).send(prefill("127.0.0.1:21001"));
            assertThat(heard.next()).isEqualTo("registration unknown");
            assertThat(heard.next()).isEqualTo("registration unknown");
            assertThat(heard.next()).isEqualTo(ACCEPTED);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "user@127.0.0.1:8100   | 127.0.0.1:21001",
                "http://127.0.0.1:8100 | 127.0.0.1:21001",
                "localhost:8100        | 127.0.0.1:21001",
                "127.0.0.1:8100/x      | 127.0.0.1:21001",
                "127.0.0.1             | 127.0.0.1:21001",
                "127.0.0.1:0           | 127.0.0.1:21001",
                "127.0.0.1:65536       | 127.0.0.1:21001",
                "127.0.0.01:8100       | 127.0.0.1:21001",
                "127.1:8100            | 127.0.0.1:21001",
                "[::1]:8100            | 127.0.0.1:21001",
                "127.0.0.1:8100        | [::1]:21001",
                "127.0.0.1:8100        | ::1:21001",
                "127.0.0.1:8100        | 127.0.0.1:21001_x",
                "127.0.0.1:8100        | host:127.0.0.1,handshake:6301",
                "127.0.0.1:8100        | host:127.0.0.1,handshake:6301,notify:0",
            })
    void takesNoAddressThatIsNone(String http, String zmq) throws Exception {
        try (ZmqPeer engine = ZmqPeer.dealer(registry.port())) {
            engine.send(Packed.map("type", "P", "http_address", http, "zmq_address", zmq));
            assertThat(heard.next()).isEqualTo(MALFORMED);
        }
    }

    @ParameterizedTest
    @CsvSource({"127.0.0.2:8100, 127.0.0.1:21001", "127.0.0.1:8100, 127.0.0.2:21001", "10.0.0.1:8100, 10.0.0.1:21001"})
    void believesNobodyWhoNamesAnothersAddress(String http, String zmq) throws Exception {
        try (ZmqPeer engine = ZmqPeer.dealer(registry.port())) {
            engine.send(Packed.map("type", "P", "http_address", http, "zmq_address", zmq));
            assertThat(heard.next()).isEqualTo(REFUSED);
        }
        assertThat(changes).isEmpty();
    }

    @Test
    void believesBehindNatWhatIsAllowed() throws Exception {
        reopen(TEST_NETS, new Rules(3, false));
        try (ZmqPeer engine = ZmqPeer.dealer(registry.port())) {
            engine.send(Packed.map("type", "P", "http_address", "10.0.0.1:8100", "zmq_address", "10.0.0.1:21001"));
            assertThat(heard.next()).isEqualTo(ACCEPTED);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"192.168.0.1", "169.254.169.254", "224.0.0.1", "0.0.0.0"})
    void believesNoAddressThatCannotBeAnEngines(String host) throws Exception {
        reopen(TEST_NETS, new Rules(3, false));
        try (ZmqPeer engine = ZmqPeer.dealer(registry.port())) {
            engine.send(Packed.map("type", "P", "http_address", host + ":8100", "zmq_address", host + ":21001"));
            assertThat(heard.next()).isEqualTo(REFUSED);
        }
    }

    @Test
    void letsNobodyInWhoIsNotAllowed() throws Exception {
        reopen(AddressRanges.of(List.of("127.0.0.1")), new Rules(3, true));
        try (RawPeer stranger = RawPeer.from("127.0.0.2", registry.port())) {
            stranger.awaitClose();
        }

        assertThat(heard.next()).isEqualTo(REFUSED);
        assertStillListens();
    }

    @Test
    void aFloodFromOneAddressLeavesOthersAlone() throws Exception {
        try (RawPeer flooder = RawPeer.from("127.0.0.2", registry.port())) {
            flooder.send(RawPeer.GREETING + RawPeer.READY_DEALER);
            for (int i = 0; i < 101; i++) {
                flooder.frame(0, new byte[] {1});
            }
            for (int i = 0; i < 100; i++) {
                assertThat(heard.next()).isEqualTo(MALFORMED);
            }
            assertThat(heard.next()).isEqualTo(LIMITED);
            assertStillListens();

            time.advance(Duration.ofMillis(10));
            flooder.frame(0, new byte[] {1}).frame(0, new byte[] {1});
            assertThat(heard.next()).isEqualTo(MALFORMED);
            assertThat(heard.next()).isEqualTo(LIMITED);
        }
    }

    @Test
    void tellsWhatAnEngineHasAnnounced() throws Exception {
        try (ZmqPeer engine = ZmqPeer.dealer(registry.port())) {
            engine.send(prefill("127.0.0.1:21001"));

            assertThat(Heard.next(changes))
                    .containsExactly(new RegisteredEngine(
                            Role.PREFILL,
                            URI.create("http://127.0.0.1:8100"),
                            KvAddress.of("127.0.0.1", 21_001),
                            null));
        }
    }

    @Test
    void understandsMoriio() throws Exception {
        try (ZmqPeer engine = ZmqPeer.dealer(registry.port())) {
            engine.send(Packed.map(
                    "type", "D",
                    "http_address", "127.0.0.1:8200",
                    "zmq_address", "host:127.0.0.1,handshake:6301,notify:61005",
                    "dp_size", 2,
                    "tp_size", 8,
                    "transfer_mode", "WRITE"));

            assertThat(Heard.next(changes))
                    .containsExactly(new RegisteredEngine(
                            Role.DECODE,
                            URI.create("http://127.0.0.1:8200"),
                            new KvAddress("127.0.0.1", 6301, 61_005, null, new Parallel(8, 1, 2)),
                            "WRITE"));
        }
    }

    @Test
    void hearsEnginesThatCallThemselvesTheSame() throws Exception {
        try (ZmqPeer one = ZmqPeer.dealer(registry.port());
                ZmqPeer other = ZmqPeer.dealer(registry.port())) {
            one.send(prefill("127.0.0.1:21001"));
            assertThat(heard.next()).isEqualTo(ACCEPTED);
            other.send(decode("127.0.0.1:22001"));
            assertThat(heard.next()).isEqualTo(ACCEPTED);
        }

        assertThat(Heard.next(changes)).hasSize(1);
        assertThat(Heard.next(changes)).hasSize(2);
    }

    @Test
    void pingsChangeNothingAndKeepAnEngine() throws Exception {
        try (ZmqPeer engine = ZmqPeer.dealer(registry.port())) {
            for (int i = 0; i < 4; i++) {
                engine.send(prefill("127.0.0.1:21001"));
                assertThat(heard.next()).isEqualTo(ACCEPTED);
                time.advance(Duration.ofSeconds(4));
                registry.prune();
            }
        }

        assertThat(changes).hasSize(1);
    }

    @Test
    void forgetsAnEngineWhosePingsStop() throws Exception {
        try (ZmqPeer engine = ZmqPeer.dealer(registry.port())) {
            engine.send(prefill("127.0.0.1:21001")).send(decode("127.0.0.1:22001"));
            assertThat(Heard.next(changes)).hasSize(1);
            assertThat(Heard.next(changes)).hasSize(2);
            time.advance(Duration.ofSeconds(1));
            engine.send(decode("127.0.0.1:22001"));
            heard.next();
            heard.next();
            assertThat(heard.next()).isEqualTo(ACCEPTED);
        }
        time.advance(EngineTable.LIFE.minusSeconds(1));
        registry.prune();
        assertThat(changes).isEmpty();

        time.advance(Duration.ofNanos(1));
        registry.prune();
        assertThat(Heard.next(changes)).extracting(RegisteredEngine::role).containsExactly(Role.DECODE);
    }

    @Test
    void theLastEnginesStayALittleLonger() throws Exception {
        try (ZmqPeer engine = ZmqPeer.dealer(registry.port())) {
            engine.send(prefill("127.0.0.1:21001")).send(decode("127.0.0.1:22001"));
            assertThat(Heard.next(changes)).hasSize(1);
            assertThat(Heard.next(changes)).hasSize(2);
        }
        time.advance(EngineTable.GRACE);
        registry.prune();
        assertThat(changes).isEmpty();

        time.advance(Duration.ofNanos(1));
        registry.prune();
        assertThat(Heard.next(changes)).isEmpty();
    }

    @Test
    void anEngineThatPassesItsProbesStaysWithoutPings() throws Exception {
        wells.add(URI.create("http://127.0.0.1:8100"));
        try (ZmqPeer engine = ZmqPeer.dealer(registry.port())) {
            engine.send(prefill("127.0.0.1:21001")).send(decode("127.0.0.1:22001"));
            assertThat(Heard.next(changes)).hasSize(1);
            assertThat(Heard.next(changes)).hasSize(2);
        }
        time.advance(Duration.ofDays(1));
        registry.prune();
        assertThat(Heard.next(changes)).extracting(RegisteredEngine::role).containsExactly(Role.PREFILL);
        registry.prune();
        assertThat(changes).isEmpty();

        wells.clear();
        registry.prune();
        assertThat(Heard.next(changes)).isEmpty();
    }

    @Test
    void anEngineThatRestartsWithAnotherKvAddressIsANewOne() throws Exception {
        wells.add(URI.create("http://127.0.0.1:8100"));
        try (ZmqPeer engine = ZmqPeer.dealer(registry.port())) {
            engine.send(prefill("127.0.0.1:21001"));
            assertThat(heard.next()).isEqualTo(ACCEPTED);
            engine.send(prefill("127.0.0.1:21009"));
            assertThat(heard.next()).isEqualTo(REFUSED);

            time.advance(EngineTable.LIFE.plusNanos(1));
            engine.send(prefill("127.0.0.1:21009"));
            assertThat(heard.next()).isEqualTo(ACCEPTED);
        }

        assertThat(Heard.next(changes)).extracting(one -> one.kv().port()).containsExactly(21_001);
        assertThat(Heard.next(changes)).isEmpty();
        assertThat(Heard.next(changes)).extracting(one -> one.kv().port()).containsExactly(21_009);
    }

    @Test
    void theFirstOfTwoEnginesWithOneAddressStays() throws Exception {
        try (ZmqPeer first = ZmqPeer.dealer(registry.port());
                ZmqPeer second = ZmqPeer.dealer(registry.port())) {
            first.send(prefill("127.0.0.1:21001"));
            assertThat(heard.next()).isEqualTo(ACCEPTED);
            for (int i = 0; i < 3; i++) {
                time.advance(Duration.ofSeconds(3));
                second.send(prefill("127.0.0.1:21002"));
                assertThat(heard.next()).isEqualTo(REFUSED);
                first.send(prefill("127.0.0.1:21001"));
                assertThat(heard.next()).isEqualTo(ACCEPTED);
            }
        }

        assertThat(changes).hasSize(1);
    }

    @Test
    void twoEnginesCannotHaveOneKvAddress() throws Exception {
        try (ZmqPeer engines = ZmqPeer.dealer(registry.port())) {
            engines.send(prefill("127.0.0.1:21001")).send(decode("127.0.0.1:21001"));
            assertThat(heard.next()).isEqualTo(ACCEPTED);
            assertThat(heard.next()).isEqualTo(REFUSED);
        }
    }

    @Test
    void holdsNoMoreEnginesThanItMay() throws Exception {
        try (ZmqPeer engines = ZmqPeer.dealer(registry.port())) {
            for (int i = 1; i <= 4; i++) {
                engines.send(Packed.map(
                        "type", "P", "http_address", "127.0.0.1:810" + i, "zmq_address", "127.0.0.1:2100" + i));
                assertThat(heard.next()).isEqualTo(i <= 3 ? ACCEPTED : LIMITED);
            }
        }
    }

    @Test
    void saysWhenItsPortIsTaken() {
        ListenerSettings taken = new ListenerSettings("127.0.0.1", registry.port(), AddressRanges.LOOPBACK);

        assertThatThrownBy(() -> Registry.open(taken, new Rules(3, true), time, heard, changes::add))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("cannot listen on 127.0.0.1:" + registry.port());
    }

    @Test
    void givesItsPortBack() throws IOException {
        int port = registry.port();
        registry.close();
        registry = Registry.open(
                new ListenerSettings("127.0.0.1", port, AddressRanges.LOOPBACK),
                new Rules(3, true),
                time,
                heard,
                changes::add);

        assertThat(registry.port()).isEqualTo(port);
    }

    private void assertStillListens() throws IOException, InterruptedException {
        try (ZmqPeer engine = ZmqPeer.dealer(registry.port())) {
            engine.send(prefill("127.0.0.1:21001"));
            assertThat(heard.next()).isEqualTo(ACCEPTED);
        }
    }

    private static byte[] prefill(String zmq) {
        return Packed.map("type", "P", "http_address", "127.0.0.1:8100", "zmq_address", zmq);
    }

    private static byte[] decode(String zmq) {
        return Packed.map("type", "D", "http_address", "127.0.0.1:8200", "zmq_address", zmq);
    }

    private void reopen(AddressRanges allowed, Rules rules) {
        registry.close();
        registry = open(allowed, rules);
    }

    private Registry open(AddressRanges allowed, Rules rules) {
        return Registry.open(new ListenerSettings("127.0.0.1", 0, allowed), rules, time, heard, new Registry.Watcher() {
            @Override
            public void onChange(List<RegisteredEngine> engines) {
                changes.add(engines);
            }

            @Override
            public boolean passesProbes(URI baseUrl) {
                return wells.contains(baseUrl);
            }
        });
    }
}
