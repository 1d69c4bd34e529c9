// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.Fault;
import dev.tandem.simulator.http.ServerHandler;
import dev.tandem.simulator.http.SimulatedEngine;
import dev.tandem.simulator.llama.LlamaOptions;
import dev.tandem.simulator.llama.SimulatedLlamaServer;
import dev.tandem.simulator.sglang.SglangConfig;
import java.io.IOException;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Streams of engines that tell no token ids, or not always, and whose workers die in the midst of them. */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class ResumeKindsIT {
    private static final String COMPLETIONS = "/v1/completions";
    private static final String CHATS = "/v1/chat/completions";
    private static final int TOKENS = 12;
    private static final int ENGINES = 3;

    private final Map<Kind, Fleet> fleets = new EnumMap<>(Kind.class);
    private final Map<String, GatewayRig> rigs = new HashMap<>();

    /** Engines, and the model that they serve. */
    enum Kind {
        LLAMA,
        SGLANG;

        private String model() {
            return this == LLAMA ? "llama" : "sglang";
        }

        private ServerHandler.Owner start() {
            return switch (this) {
                case LLAMA -> SimulatedLlamaServer.start(LlamaOptions.of(model(), null));
                case SGLANG ->
                    SimulatedEngine.start(EngineOptions.of(model(), 0)
                            .withConnector(SglangConfig.NAME, SglangConfig.of(SglangConfig.Mode.NULL)));
            };
        }
    }

    /** Engines behind the gateways, and one that no gateway knows. */
    private record Fleet(List<ServerHandler.Owner> engines, ServerHandler.Owner alone) {
        private static Fleet of(Kind kind) {
            return new Fleet(Stream.generate(kind::start).limit(ENGINES).toList(), kind.start());
        }

        private Stream<ServerHandler.Owner> all() {
            return Stream.concat(engines.stream(), Stream.of(alone));
        }
    }

    @BeforeAll
    void start() {
        for (Kind kind : Kind.values()) {
            fleets.put(kind, Fleet.of(kind));
        }
        for (String mode : List.of("on", "text")) {
            rigs.put(mode, gateway(mode));
        }
    }

    private GatewayRig gateway(String mode) {
        GatewayRig.Setup setup = GatewayRig.setup()
                .set("tandem.stream.resume", mode)
                .set("tandem.disagg.connector", "plain")
                .set("tandem.health.failures-down", "1000");
        for (Kind kind : Kind.values()) {
            for (int i = 0; i < ENGINES; i++) {
                setup.worker(kind.model() + i, fleet(kind).engines().get(i).baseUrl(), Role.UNIFIED);
            }
        }
        return setup.start();
    }

    @AfterAll
    void stop() {
        fleets.values().stream().flatMap(Fleet::all).forEach(ServerHandler.Owner::close);
        rigs.values().forEach(GatewayRig::close);
    }

    @AfterEach
    void nothingIsLeft() {
        fleets.values().stream()
                .flatMap(Fleet::all)
                .forEach(engine -> engine.faults().clear());
        rigs.values().forEach(GatewayRig::assertNothingLeft);
        assertThat(fleets.values().stream()
                        .flatMap(Fleet::all)
                        .flatMap(engine -> engine.journal().violations().stream()))
                .isEmpty();
    }

    private static String ask(Kind kind, String path, String more) {
        String prompt = path.equals(COMPLETIONS)
                ? "\"prompt\":\"the quick brown fox\""
                : "\"messages\":[{\"role\":\"user\",\"content\":\"the quick brown fox\"}]";
        return "{\"model\":\"" + kind.model() + "\",\"stream\":true,\"ignore_eos\":true,\"max_tokens\":" + TOKENS + ","
                + more + prompt + "}";
    }

    private static String greedy(Kind kind, String path) {
        return ask(kind, path, "\"temperature\":0,\"stream_options\":{\"include_usage\":true},");
    }

    private static Stream<Arguments> deaths() {
        List<Fault> deaths = Stream.concat(
                        Stream.of(Fault.Kind.TRUNCATE, Fault.Kind.ERROR_EVENT, Fault.Kind.GARBAGE)
                                .flatMap(kind -> IntStream.of(1, 2, 5, TOKENS - 1)
                                        .mapToObj(events -> Fault.of(kind).after(events))),
                        IntStream.of(600, 1234, 2500)
                                .mapToObj(bytes -> Fault.of(Fault.Kind.RESET).after(bytes)))
                .toList();
        return Stream.of("on", "text")
                .flatMap(mode -> Stream.of(Kind.values())
                        .flatMap(kind -> Stream.of(COMPLETIONS, CHATS)
                                .flatMap(path -> deaths.stream().map(death -> Arguments.of(mode, kind, path, death)))));
    }

    @ParameterizedTest
    @MethodSource("deaths")
    void theStreamIsThatOfOneEngine(String mode, Kind kind, String path, Fault death) throws IOException {
        GatewayRig rig = rig(mode);
        Fleet fleet = fleet(kind);
        String ask = greedy(kind, path);
        double before = rig.metric("tandem_resumes_total", "resumed");
        int first = first(rig, kind, path, ask);
        // A reset that an answer is too short for would hit the next one on its connection.
        int dying = death.kind() == Fault.Kind.RESET ? 1 : 2;
        IntStream.range(first, first + dying)
                .mapToObj(number -> fleet.engines().get(number % ENGINES))
                .forEach(engine -> {
                    engine.faults().add(death.on(path));
                    engine.faults().add(death.on(COMPLETIONS));
                });

        Answer answer = RawClient.post(rig.port(), path, ask);

        SameStream.assertSame(answer, RawClient.post(fleet.alone().port(), path, ask));
        assertThat(rig.metric("tandem_resumes_total", "resumed")).isGreaterThan(before);
    }

    @ParameterizedTest
    @MethodSource("texts")
    void behindTextOnlyTheRestIsGenerated(Kind kind, String path) throws IOException {
        Fleet fleet = fleet(kind);
        String ask = greedy(kind, path);
        fleet.engines().forEach(engine -> {
            engine.journal().clear();
            engine.faults().add(Fault.of(Fault.Kind.TRUNCATE).after(6).on(path));
        });

        Answer answer = RawClient.post(rig("text").port(), path, ask);

        Answer exact = RawClient.post(fleet.alone().port(), path, ask);
        SameStream.assertSame(answer, exact);
        String begins = Streams.text(exact).substring(0, Streams.text(exact).indexOf(' ', 1));
        assertThat(fleet.engines().stream()
                        .flatMap(engine -> engine.journal().requests(path).stream())
                        .filter(seen -> seen.bodyText().contains(begins + " ")))
                .as("engines that were asked to go on behind %s", begins)
                .isNotEmpty();
    }

    private static Stream<Arguments> texts() {
        return Stream.of(
                Arguments.of(Kind.LLAMA, COMPLETIONS),
                Arguments.of(Kind.LLAMA, CHATS),
                Arguments.of(Kind.SGLANG, CHATS));
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void withoutADeathNoByteIsAnother(Kind kind) throws IOException {
        for (String path : List.of(COMPLETIONS, CHATS)) {
            for (String more : List.of("\"temperature\":0,", "\"temperature\":0.8,")) {
                Answer answer = RawClient.post(rig("on").port(), path, ask(kind, path, more));
                Answer exact = RawClient.post(fleet(kind).alone().port(), path, ask(kind, path, more));
                assertThat(answer.status()).isEqualTo(200);
                assertThat(withoutTimes(answer)).isEqualTo(withoutTimes(exact));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void aSampledChatWithoutIdsBreaksOffAsEver(Kind kind) throws IOException {
        fleet(kind)
                .engines()
                .forEach(engine -> engine.faults()
                        .add(Fault.of(Fault.Kind.TRUNCATE).after(5).on(CHATS)));

        Answer answer = RawClient.post(rig("text").port(), CHATS, ask(kind, CHATS, "\"temperature\":0.8,"));

        assertThat(answer.text()).contains("\"code\":\"stream_interrupted\"").doesNotContain("[DONE]");
    }

    private GatewayRig rig(String mode) {
        return Objects.requireNonNull(rigs.get(mode));
    }

    private Fleet fleet(Kind kind) {
        return Objects.requireNonNull(fleets.get(kind));
    }

    /** Returns the number of the engine that a request goes to as long as all are well. */
    private static int first(GatewayRig rig, Kind kind, String path, String ask) throws IOException {
        String id = RawClient.post(rig.port(), path, ask).header("x-tandem-decode");
        return Integer.parseInt(id.substring(kind.model().length()));
    }

    private static String withoutTimes(Answer answer) {
        return SameStream.masked(answer).replaceAll("\"timings\":\\{[^}]*}|\"cached_tokens\":\\d+", "");
    }
}
