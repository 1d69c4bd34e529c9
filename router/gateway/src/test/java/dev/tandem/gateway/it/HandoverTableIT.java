// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.gateway.it.FailureCell.Harm;
import dev.tandem.gateway.it.FailureCell.Place;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.simulator.http.Fault;
import dev.tandem.simulator.http.Fault.Kind;
import dev.tandem.simulator.http.ServerHandler;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Every connector against every way in which a leg can fail, with strict engines: each answer is exact or an explicit
 * failure, nothing is sent that a correct router does not send, and what stays behind is counted. The
 * {@link FailureTable} says what follows. The profile {@code table} runs all of it, or what
 * {@code -Dtandem.table.connectors} and {@code -Dtandem.table.topologies} name; the normal build runs a part.
 */
@Timeout(value = 3_600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class HandoverTableIT {
    private static final String PATH = "/v1/completions";
    private static final String STREAM_SILENCE = "stream-silence";
    private static final String GARBAGE = "no event at all";
    private static final String SESSION = "x-session-id: table";
    private static final String PREFIX = "the quick brown fox jumps over the lazy dog and runs away ".repeat(6);

    private static final List<String> CONNECTORS = listed("tandem.table.connectors");
    private static final List<String> TOPOLOGIES = listed("tandem.table.topologies");

    /** Protocols that stand for the orders of legs: blocks named, KV pushed, side by side. */
    private static final Set<String> REPRESENTATIVES = Set.of("nixl", "p2p-nccl", "nixl-push");

    /** Protocols for which silence is waited for in each build: one of each order of legs. */
    private static final Set<String> SILENT =
            Set.of("shared-cache", "nixl", "p2p-nccl", "nixl-push", "ascend-layerwise", "lmcache-pd-notified");

    /** Protocols for which the hand-over and answers that mean nothing are tried in each build. */
    private static final Set<String> THOROUGH =
            Stream.concat(SILENT.stream(), Stream.of("llamacpp-slot")).collect(Collectors.toUnmodifiableSet());

    private static final Set<String> REPRESENTATIVE_CELLS = Set.of(
            "prefill: connection refused",
            "prefill: reset before the head",
            "decode: connection refused",
            "decode: 500",
            "decode: reset inside an event");

    private int requests;

    /** How many engines there are. */
    private record Topology(int prefills, int decodes) {
        private static final Topology USUAL = new Topology(2, 2);
        private static final List<Topology> OTHERS =
                List.of(new Topology(1, 1), new Topology(2, 1), new Topology(2, 3));
        private static final List<Topology> ALL =
                List.of(new Topology(1, 1), new Topology(2, 1), USUAL, new Topology(2, 3), new Topology(8, 8));

        @Override
        public String toString() {
            return prefills + "p" + decodes + "d";
        }
    }

    @Test
    void everyConnectorMeetsEveryFailure() throws IOException {
        List<Column> columns = new ArrayList<>();
        FailureTable known = new FailureTable();
        for (HandoverProtocols protocol : HandoverProtocols.all()) {
            columns.add(new Column(protocol, Topology.USUAL, quick(protocol, known)));
        }
        List<FailureCell> some = FailureCell.all().stream()
                .filter(cell -> REPRESENTATIVE_CELLS.contains(cell.name()))
                .toList();
        for (HandoverProtocols protocol : HandoverProtocols.all()) {
            if (REPRESENTATIVES.contains(protocol.connector())) {
                Topology.OTHERS.forEach(topology -> columns.add(new Column(protocol, topology, some)));
            }
        }
        List<FailureRow> rows = rows(columns);
        known.verify(rows);
    }

    /** What takes its time is tried once for each order of legs. */
    private static List<FailureCell> quick(HandoverProtocols protocol, FailureTable known) {
        boolean patient = SILENT.contains(protocol.connector());
        boolean thorough = THOROUGH.contains(protocol.connector());
        return FailureCell.all().stream()
                .filter(cell -> thorough || !(cell.garbled() || cell.place() == Place.HAND_OVER))
                .filter(cell -> cell.name().contains("silence")
                        ? patient
                        : cell.place() != Place.HAND_OVER || !known.waits(protocol.connector(), cell))
                .toList();
    }

    static Stream<HandoverProtocols> chosen() {
        return HandoverProtocols.all().stream()
                .filter(each -> CONNECTORS.contains("all") || CONNECTORS.contains(each.connector()));
    }

    private static List<String> listed(String property) {
        return List.of(System.getProperty(property, "all").split(","));
    }

    @ParameterizedTest
    @MethodSource("chosen")
    @Tag("table")
    void everyTopologyMeetsEveryFailure(HandoverProtocols protocol) throws IOException {
        List<Column> columns = Topology.ALL.stream()
                .filter(each -> TOPOLOGIES.contains("all") || TOPOLOGIES.contains(each.toString()))
                .map(topology -> new Column(protocol, topology, FailureCell.all()))
                .toList();
        List<FailureRow> rows = rows(columns);
        new FailureTable().verify(rows);
    }

    /** One stack at a time: a gateway that ends takes the event loops of all with it. */
    private static List<FailureRow> rows(List<Column> columns) throws IOException {
        List<FailureRow> rows = new ArrayList<>();
        for (Column column : columns) {
            rows.addAll(column.rows());
        }
        return rows;
    }

    /** The failures of one protocol in one topology, one after the other. */
    private final class Column {
        private final HandoverProtocols protocol;
        private final Topology topology;
        private final List<FailureCell> cells;

        private Column(HandoverProtocols protocol, Topology topology, List<FailureCell> cells) {
            this.protocol = protocol;
            this.topology = topology;
            this.cells = cells;
        }

        private List<FailureRow> rows() throws IOException {
            int decodes = Math.min(topology.decodes(), protocol.receivers());
            // As many probes per second, however many engines there are.
            Map<String, String> settings =
                    Map.of("tandem.health.interval", 25 * (topology.prefills() + decodes) + "ms");
            List<FailureRow> rows = new ArrayList<>();
            try (HandoverStack stack = HandoverStack.start(protocol, topology.prefills(), decodes, settings)) {
                for (FailureCell cell : cells) {
                    if (HandoverLeg.of(protocol.connector()).absence(cell) == null) {
                        rows.add(row(stack, cell));
                    }
                }
                assertThat(stack.violations()).as("%s %s", protocol, topology).isEmpty();
            }
            return rows;
        }

        private FailureRow row(HandoverStack stack, FailureCell cell) throws IOException {
            String[] pair = pair(stack);
            Meters before = Meters.of(stack);
            long start = System.nanoTime();
            String outcome = outcome(stack, pair, cell);
            long millis = (System.nanoTime() - start) / 1_000_000;
            stack.rig().assertNothingLeft();
            Meters after = Meters.of(stack);
            stack.mend(pair);
            return new FailureRow(
                    protocol.connector(),
                    topology.toString(),
                    cell.name(),
                    outcome,
                    after.stranded > before.stranded,
                    1 + (int) (after.retries - before.retries),
                    cell.fallsSilent() ? STREAM_SILENCE : after.waits(before),
                    millis);
        }
    }

    /** What the gateway has counted. */
    private record Meters(
            double stranded, double retries, double prefillSilences, double decodeSilences, double unheard) {
        private static Meters of(HandoverStack stack) {
            GatewayRig rig = stack.rig();
            return new Meters(
                    rig.metric("tandem_kv_stranded_seconds_count"),
                    rig.metric("tandem_retries_total"),
                    rig.metric("tandem_leg_failures_total", "code=\"engine_timeout\"", "leg=\"prefill\""),
                    rig.metric("tandem_leg_failures_total", "code=\"engine_timeout\"", "leg=\"decode\""),
                    rig.metric("tandem_handovers_total", "connector=\"lmcache-", "result=\"failed\""));
        }

        /** Returns which limits have passed since then. */
        private String waits(Meters before) {
            List<String> waits = new ArrayList<>();
            if (prefillSilences > before.prefillSilences) {
                waits.add("answer-silence");
            }
            if (decodeSilences > before.decodeSilences) {
                waits.add(STREAM_SILENCE);
            }
            if (unheard > before.unheard) {
                waits.add("notices");
            }
            return String.join(" and ", waits);
        }
    }

    private String outcome(HandoverStack stack, String[] pair, FailureCell cell) throws IOException {
        int asked = switch (cell.place()) {
            case PREFILL -> 0;
            case HAND_OVER -> stack.leg().askedFirst();
            case DECODE -> 1;
        };
        ServerHandler.Owner victim = stack.engine(pair[asked]);
        switch (cell.harm()) {
            case Harm.ClientLeaves leaves -> {
                return left(stack, pair, cell.place());
            }
            case Harm.Mishap(HandoverLeg.Mishap what) -> stack.leg().harm(stack, pair, what, PATH);
            case Harm.Says(String bytes) -> victim.faults().respondOn(PATH, bytes.getBytes(StandardCharsets.UTF_8));
            case Harm.Misbehaves(Fault fault) -> {
                if (cell.refusesConnections()) {
                    victim.crash();
                } else {
                    victim.faults().add(fault.on(PATH));
                }
            }
        }
        return asked(stack, cell.refusesConnections() ? null : victim);
    }

    /** Asks until the engine is asked: one that has come back may not be known well enough to be used. */
    private String asked(HandoverStack stack, ServerHandler.@Nullable Owner victim) {
        int before = victim == null ? 0 : legs(victim);
        AtomicReference<String> told = new AtomicReference<>("");
        Poll.until("the engine is asked", () -> {
            String ask = ask();
            told.set(told(post(stack, ask), Streams.text(alone(stack, ask))));
            return victim == null || legs(victim) > before;
        });
        return told.get();
    }

    private static int legs(ServerHandler.Owner engine) {
        return engine.journal().requests(PATH).size();
    }

    private String left(HandoverStack stack, String[] pair, Place place) throws IOException {
        ServerHandler.Owner slow = stack.engine(place == Place.PREFILL ? pair[0] : pair[1]);
        int before = legs(slow);
        double prefilled = prefilled(stack);
        if (place == Place.HAND_OVER) {
            stack.leg().harm(stack, pair, HandoverLeg.Mishap.SILENCE, PATH);
        } else {
            slow.faults().add(Fault.of(Kind.STALL).on(PATH));
        }
        BooleanSupplier runs = () -> place == Place.HAND_OVER ? prefilled(stack) > prefilled : legs(slow) > before;
        Poll.until("the leg runs", () -> leaves(stack, runs));
        return "cancelled";
    }

    /** Leaves when the leg runs; false when somebody else has answered, as long as an engine is not known again. */
    private boolean leaves(HandoverStack stack, BooleanSupplier runs) {
        double before = ended(stack);
        try (RawClient client = RawClient.open(stack.rig().port())) {
            client.send(PATH, ask(), SESSION);
            Poll.until("the leg runs, or another answers", () -> runs.getAsBoolean() || ended(stack) > before);
            return runs.getAsBoolean();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static double ended(HandoverStack stack) {
        return stack.rig().metric("tandem_requests_total");
    }

    private static double prefilled(HandoverStack stack) {
        return stack.rig().metric("tandem_leg_seconds_count", "leg=\"prefill\"");
    }

    /**
     * Returns the pair to which requests of the session go now, once there is one: the first request of all may be
     * slower than the limits, and an engine that has come back may be up before all is known of it.
     */
    private String[] pair(HandoverStack stack) {
        AtomicReference<Answer> last = new AtomicReference<>(ask(stack));
        Poll.until(() -> "a pair serves while all is well: " + last, () -> {
            boolean whole = last.get().header("x-tandem-prefill").isEmpty();
            if (whole) {
                last.set(ask(stack));
            }
            return !whole;
        });
        return new String[] {last.get().header("x-tandem-prefill"), last.get().header("x-tandem-decode")};
    }

    private Answer ask(HandoverStack stack) {
        return post(stack, ask());
    }

    private static Answer post(HandoverStack stack, String ask) {
        try {
            return RawClient.post(stack.rig().port(), PATH, ask, SESSION);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Answer alone(HandoverStack stack, String ask) {
        try {
            return stack.alone(PATH, ask);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String told(Answer answer, String exact) {
        if (answer.status() != 200) {
            JsonNode error = JsonMapper.shared().readTree(answer.text()).path("error");
            return error.path("type").asString("").equals("upstream_error")
                            || error.path("type").asString("").equals("server_error")
                    ? error.path("code").asString("")
                    : "refused";
        }
        if (answer.text().contains("\"error\"")) {
            assertThat(exact).startsWith(Streams.text(answer));
            assertThat(answer.text()).doesNotContain("[DONE]");
            return "cut";
        }
        assertThat(Streams.text(answer)).as("%s", answer).isEqualTo(exact);
        if (answer.text().contains(GARBAGE)) {
            return "garbled";
        }
        return (answer.header("x-tandem-prefill").isEmpty() ? "whole" : "pair");
    }

    private String ask() {
        int number = requests++;
        return "{\"model\":\"tiny\",\"temperature\":0,\"max_tokens\":8,\"ignore_eos\":true,\"stream\":true,\"prompt\":\""
                + PREFIX + "request " + number + " " + "word ".repeat(number % 40) + "\"}";
    }
}
