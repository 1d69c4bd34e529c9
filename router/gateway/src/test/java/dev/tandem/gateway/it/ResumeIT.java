// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.Fault;
import dev.tandem.simulator.http.SimulatedEngine;
import java.io.IOException;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Streams whose workers die in the midst of them, with {@code tandem.stream.resume}: the client sees nothing of it. */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class ResumeIT {
    private static final String COMPLETIONS = "/v1/completions";
    private static final String CHATS = "/v1/chat/completions";
    private static final int TOKENS = 12;

    private List<SimulatedEngine> engines = List.of();
    private SimulatedEngine alone;
    private GatewayRig rig;

    @BeforeAll
    void start() throws IOException {
        GatewayRig.Setup setup = GatewayRig.setup()
                .set("tandem.stream.resume", "true")
                .set("tandem.engine.stream-silence", "1s")
                .set("tandem.health.failures-down", "1000");
        for (int i = 0; i < 3; i++) {
            SimulatedEngine engine = SimulatedEngine.start(EngineOptions.of("tiny", 0));
            engines = Stream.concat(engines.stream(), Stream.of(engine)).toList();
            setup.worker("u" + i, engine.baseUrl(), Role.UNIFIED);
        }
        alone = SimulatedEngine.start(EngineOptions.of("tiny", 0));
        rig = setup.start();
    }

    @AfterAll
    void stop() {
        engines.forEach(SimulatedEngine::close);
        alone.close();
        rig.close();
    }

    @AfterEach
    void nothingIsLeft() {
        engines.forEach(engine -> engine.faults().clear());
        rig.assertNothingLeft();
    }

    private static String ask(String path, String more) {
        String prompt = path.equals(COMPLETIONS)
                ? "\"prompt\":\"the quick brown fox\""
                : "\"messages\":[{\"role\":\"user\",\"content\":\"the quick brown fox\"}]";
        return "{\"model\":\"tiny\",\"stream\":true,\"ignore_eos\":true,\"max_tokens\":" + TOKENS + "," + more + prompt
                + "}";
    }

    private static Stream<Arguments> deaths() {
        return Stream.of(COMPLETIONS, CHATS)
                .flatMap(path -> Stream.of(Fault.Kind.TRUNCATE, Fault.Kind.ERROR_EVENT, Fault.Kind.GARBAGE)
                        .flatMap(kind -> IntStream.of(1, 2, 5, TOKENS - 1)
                                .mapToObj(events ->
                                        Arguments.of(path, Fault.of(kind).after(events)))));
    }

    private static Stream<Arguments> resets() {
        return Stream.of(COMPLETIONS, CHATS)
                .flatMap(path -> IntStream.of(600, 900, 1234, 2500)
                        .mapToObj(bytes ->
                                Arguments.of(path, Fault.of(Fault.Kind.RESET).after(bytes))));
    }

    @ParameterizedTest
    @MethodSource({"deaths", "resets"})
    void theStreamIsThatOfOneEngine(String path, Fault death) throws IOException {
        String ask = ask(path, "\"stream_options\":{\"include_usage\":true},");
        double before = rig.metric("tandem_resumes_total", "resumed");
        SimulatedEngine first = first(path, ask);
        SimulatedEngine second = engines.get((engines.indexOf(first) + 1) % engines.size());
        Stream.of(first, second).forEach(engine -> {
            engine.faults().add(death.on(path));
            engine.faults().add(death.on(COMPLETIONS));
        });

        Answer answer = RawClient.post(rig.port(), path, ask);

        SameStream.assertSame(answer, RawClient.post(alone.port(), path, ask));
        assertThat(rig.metric("tandem_resumes_total", "resumed")).isGreaterThan(before);
    }

    @ParameterizedTest
    @ValueSource(strings = {COMPLETIONS, CHATS})
    void whatASamplerDrawsGoesOnToo(String path) throws IOException {
        String ask = ask(path, "\"temperature\":0.8,\"n\":1,\"stop\":null,");
        engines.forEach(engine ->
                engine.faults().add(Fault.of(Fault.Kind.TRUNCATE).after(4).on(path)));

        SameStream.assertSame(RawClient.post(rig.port(), path, ask), RawClient.post(alone.port(), path, ask));
    }

    @ParameterizedTest
    @ValueSource(strings = {COMPLETIONS, CHATS})
    void silenceIsADeath(String path) throws IOException {
        engines.forEach(engine ->
                engine.faults().add(Fault.of(Fault.Kind.STALL).after(4).on(path)));

        SameStream.assertSame(
                RawClient.post(rig.port(), path, ask(path, "")), RawClient.post(alone.port(), path, ask(path, "")));
    }

    @Test
    void aChatWithoutALimitGoesOnToTheEndOfTheContext() throws IOException {
        String ask =
                "{\"model\":\"tiny\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"to the end\"}]}";
        engines.forEach(engine ->
                engine.faults().add(Fault.of(Fault.Kind.TRUNCATE).after(3).on(CHATS)));

        SameStream.assertSame(RawClient.post(rig.port(), CHATS, ask), RawClient.post(alone.port(), CHATS, ask));
    }

    @ParameterizedTest
    @ValueSource(strings = {COMPLETIONS, CHATS})
    void withoutADeathNoByteIsAnother(String path) throws IOException {
        for (String more : List.of("", "\"return_token_ids\":true,", "\"stream_options\":{\"include_usage\":true},")) {
            Answer answer = RawClient.post(rig.port(), path, ask(path, more));
            Answer exact = RawClient.post(alone.port(), path, ask(path, more));
            assertThat(SameStream.masked(answer)).isEqualTo(SameStream.masked(exact));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {COMPLETIONS, CHATS})
    void aClientThatWantsTokenIdsGetsEachOnce(String path) throws IOException {
        String ask = ask(path, "\"return_token_ids\":true,");
        engines.forEach(engine ->
                engine.faults().add(Fault.of(Fault.Kind.TRUNCATE).after(5).on(path)));

        Answer answer = RawClient.post(rig.port(), path, ask);

        SameStream.assertSame(answer, RawClient.post(alone.port(), path, ask));
        assertThat(SameStream.ids(answer)).hasSize(TOKENS);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"stop\":[\"zzz\"],",
                "\"logprobs\":1,",
                "\"seed\":3,\"temperature\":1,",
                "\"presence_penalty\":1,",
                "\"response_format\":{\"type\":\"json_object\"},"
            })
    void whatCannotBeExactBreaksOffAsEver(String more) throws IOException {
        engines.forEach(engine ->
                engine.faults().add(Fault.of(Fault.Kind.TRUNCATE).after(4).on(COMPLETIONS)));

        Answer answer = RawClient.post(rig.port(), COMPLETIONS, ask(COMPLETIONS, more));

        assertThat(answer.text()).contains("\"code\":\"stream_interrupted\"").doesNotContain("[DONE]");
    }

    @Test
    void whenAllWorkersDieTheClientHearsOfIt() throws IOException {
        double before = rig.metric("tandem_resumes_total", "failed");
        engines.forEach(engine -> {
            engine.faults().add(Fault.of(Fault.Kind.TRUNCATE).after(4).on(COMPLETIONS));
            engine.faults().add(Fault.of(Fault.Kind.TRUNCATE).after(3).on(COMPLETIONS));
            engine.faults().add(Fault.of(Fault.Kind.TRUNCATE).after(2).on(COMPLETIONS));
        });

        Answer answer = RawClient.post(rig.port(), COMPLETIONS, ask(COMPLETIONS, ""));
        Answer exact = RawClient.post(alone.port(), COMPLETIONS, ask(COMPLETIONS, ""));

        assertThat(answer.text()).contains("\"code\":\"stream_interrupted\"").doesNotContain("[DONE]");
        assertThat(Streams.text(exact)).startsWith(Streams.text(answer));
        assertThat(rig.metric("tandem_resumes_total", "failed")).isGreaterThan(before);
    }

    /** Returns the engine that a request goes to as long as all are well. */
    private SimulatedEngine first(String path, String ask) throws IOException {
        String id = RawClient.post(rig.port(), path, ask).header("x-tandem-decode");
        return engines.get(Integer.parseInt(id.substring(1)));
    }
}
