// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.simulator.engine.EngineCounter;
import dev.tandem.simulator.http.RawClient.Response;
import dev.tandem.simulator.lmcache.MpConfig;
import dev.tandem.simulator.notice.Mishaps;
import dev.tandem.simulator.wire.Json;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Engines with one LMCache server; the router is another simulated engine, whose journal shows what it was told. */
@Timeout(60)
class LmcacheMpTest {
    private static final String PROMPT = "the quick brown fox jumps over the lazy dog and runs away ".repeat(6);
    private static final String HEADER = "X-Request-Id: 0a1b2c3d-4e5f-60\r\n";
    private static final String TELEMETRY = "/api/v1/telemetry";

    @TempDir
    private Path folder;

    private SimulatedEngine router;

    @BeforeEach
    void startRouter() {
        router = SimulatedEngine.start(EngineOptions.of("router", 0));
    }

    @AfterEach
    void stopRouter() {
        router.close();
    }

    private SimulatedEngine engine(UnaryOperator<EngineOptions> change) {
        URI telemetry = router.baseUrl().resolve(TELEMETRY);
        return SimulatedEngine.start(change.apply(EngineOptions.of("m", 0).withLmcacheMp(folder, telemetry)));
    }

    private static Response post(SimulatedEngine engine, String prompt, int tokens) throws IOException {
        try (RawClient client = new RawClient(engine.port())) {
            return client.send(RawClient.post(Pair.PATH, Json.text(Pair.request(prompt, tokens)), HEADER))
                    .read();
        }
    }

    private List<JsonNode> told() {
        return router.journal().requests().stream()
                .filter(seen -> seen.path().equals(TELEMETRY))
                .map(seen -> Json.MAPPER.readTree(seen.bodyText()))
                .toList();
    }

    private static long loaded(SimulatedEngine engine) {
        return engine.stats().count(EngineCounter.EXTERNAL_HITS);
    }

    @Test
    void everyWorkerTellsThatTheRequestIsStored() throws IOException {
        try (SimulatedEngine prefill = engine(options -> options.withTensorParallel(2));
                SimulatedEngine decode = engine(options -> options)) {
            assertThat(post(prefill, PROMPT, 1).status()).isEqualTo(200);
            Waiting.until(() -> told().size() == 2);
            assertThat(told())
                    .extracting(event -> event.path("kv_rank").asInt())
                    .containsExactlyInAnyOrder(0, 1);
            for (JsonNode event : told()) {
                assertThat(event.propertyNames())
                        .containsExactly("event", "request_ids_set", "model_name", "world_size", "kv_rank");
                assertThat(event.path("event").asString()).isEqualTo("request_store_finished");
                assertThat(event.path("model_name").asString()).isEqualTo("m");
                assertThat(event.path("world_size").asInt()).isEqualTo(2);
                assertThat(event.at("/request_ids_set/0").asString()).matches("cmpl-0a1b2c3d-4e5f-60-0-[0-9a-f]{8}");
            }
            assertThat(Pair.text(post(decode, PROMPT, 12))).isEqualTo(Pair.alone(PROMPT));
            assertThat(loaded(decode)).isPositive();
        }
    }

    @Test
    void aDecodeLegThatDoesNotWaitFindsNothingAndReadsTheSame() throws IOException {
        Mishaps late = Mishaps.NONE.withDelay(Duration.ofHours(1));
        try (SimulatedEngine prefill = engine(options -> options.withMishaps(late));
                SimulatedEngine decode = engine(options -> options)) {
            post(prefill, PROMPT, 1);
            assertThat(Pair.text(post(decode, PROMPT, 12))).isEqualTo(Pair.alone(PROMPT));
            assertThat(loaded(decode)).isZero();
        }
    }

    @Test
    void theRouterMayBeToldBeforeTheAnswer() throws IOException {
        try (SimulatedEngine prefill = engine(options -> options.withMishaps(Mishaps.NONE.withEarly()))) {
            post(prefill, PROMPT, 1);
            assertThat(told()).hasSize(1);
        }
    }

    @Test
    void whatIsLostIsStoredAllTheSame() throws IOException {
        Mishaps mishaps = Mishaps.NONE.withLose(1).withEarly();
        try (SimulatedEngine prefill = engine(options -> options.withMishaps(mishaps));
                SimulatedEngine decode = engine(options -> options)) {
            post(prefill, PROMPT, 1);
            assertThat(told()).isEmpty();
            post(decode, PROMPT, 12);
            assertThat(loaded(decode)).isPositive();
        }
    }

    @Test
    void aShortPromptIsToldThoughNothingIsStored() throws IOException {
        try (SimulatedEngine prefill = engine(options -> options.withMishaps(Mishaps.NONE.withEarly()))) {
            post(prefill, "hi", 1);
            assertThat(told()).hasSize(1);
        }
    }

    @Test
    void aRouterThatIsAwayDoesNotDisturb() throws IOException {
        try (SimulatedEngine prefill = engine(options -> options.withMishaps(Mishaps.NONE.withEarly()))) {
            router.crash();
            assertThat(post(prefill, PROMPT, 1).status()).isEqualTo(200);
        }
    }

    @Test
    void aRequestThatFailsIsNotTold() throws IOException {
        try (SimulatedEngine prefill = engine(options -> options.withMishaps(Mishaps.NONE.withEarly()))) {
            assertThat(post(prefill, PROMPT, -1).status()).isEqualTo(400);
            assertThat(told()).isEmpty();
        }
    }

    @Test
    void strictEnginesRefuseParametersOfOtherConnectors() throws IOException {
        try (SimulatedEngine prefill = engine(options -> options)) {
            assertThat(Pair.post(prefill, Pair.PATH, Pair.prefillLeg(PROMPT)).body())
                    .contains("ContractViolation", "kv_transfer_params.do_remote_decode: not of LMCache");
        }
    }

    @Test
    void telemetryIsTurnedOnByVariablesOrByAnArgument() {
        String config = "{\"kv_connector\":\"LMCacheMPConnector\",\"kv_role\":\"kv_both\"}";
        String url = "http://router:5768/api/v1/telemetry";
        EngineOptions silent = EngineOptions.parse("m", "--kv-transfer-config", config);
        assertThat(silent.transfer()).isNotNull().extracting(KvTransfer::config).isEqualTo(new MpConfig(null));
        MpConfig expected = new MpConfig(URI.create(url));
        assertThat(silent.withEnvironment(MpConfig.telemetry(url)).transfer())
                .isNotNull()
                .extracting(KvTransfer::config)
                .isEqualTo(expected);
        assertThat(EngineOptions.parse("m", "--sim-telemetry", url, "--kv-transfer-config", config)
                        .transfer())
                .isNotNull()
                .extracting(KvTransfer::config)
                .isEqualTo(expected);
        assertThatThrownBy(() -> SimulatedEngine.start(silent))
                .isInstanceOf(UsageException.class)
                .hasMessageContaining("no folder for the shared store");
    }
}
