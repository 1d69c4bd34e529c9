// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.disagg.KvConnector.EngineIdSource;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.KvAddress;
import dev.tandem.gateway.fleet.HttpProbe.Probed;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;
import reactor.netty.resources.ConnectionProvider;

class EngineIdsTest {
    private static final Duration DEADLINE = Duration.ofSeconds(10);

    private final Deque<String> answers = new ArrayDeque<>();
    private volatile String metrics = "";
    private final DisposableServer engine = HttpServer.create()
            .host("127.0.0.1")
            .port(0)
            .route(routes -> routes.get(
                            "/query", (request, response) -> response.sendString(Mono.just(answers.remove())))
                    .get("/metrics", (request, response) -> response.sendString(Mono.just(metrics)))
                    .post("/v1/completions", (request, response) -> response.sendString(Mono.just(answers.remove()))))
            .bindNow();
    private final ConnectionProvider connections = ConnectionProvider.newConnection();
    private final EngineIds ids = new EngineIds(new ProbeClient(connections, DEADLINE));

    @AfterEach
    void stop() {
        engine.disposeNow();
        connections.dispose();
    }

    private EngineFacts complete(EngineIdSource source, EngineFacts facts) {
        Probed probed = new Probed(TestEngine.worker("p", engine.port()), "tiny", null);
        return java.util.Objects.requireNonNull(
                ids.complete(probed, source, facts).block(DEADLINE));
    }

    private EngineFacts here() {
        return EngineFacts.UNKNOWN.at(KvAddress.of("127.0.0.1", engine.port()));
    }

    private static String id(EngineFacts facts) {
        KvAddress kv = facts.kv();
        return kv == null ? "no address" : String.valueOf(kv.engineId());
    }

    private static String offer(String id) {
        return "{\"kv_transfer_params\":{\"remote_engine_id\":" + id
                + ",\"remote_host\":\"10.0.0.1\",\"remote_port\":5600,\"tp_size\":2}}";
    }

    @Test
    void aBootstrapServerIsAskedEachTimeSinceARestartedEngineHasAnotherId() {
        answers.addAll(List.of("{\"0\":{\"engine_id\":\"e1\"}}", "{\"0\":{\"engine_id\":\"e2\"}}"));

        assertThat(id(complete(EngineIdSource.BOOTSTRAP_SERVER, here()))).isEqualTo("e1");
        assertThat(id(complete(EngineIdSource.BOOTSTRAP_SERVER, here()))).isEqualTo("e2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "[]", "nonsense", "{\"0\":{\"engine_id\":null}}"})
    void anEngineThatHasNotRegisteredIsNotReady(String answer) {
        answers.add(answer);

        assertThatThrownBy(() -> complete(EngineIdSource.BOOTSTRAP_SERVER, here()))
                .isInstanceOf(ProbeFailure.class)
                .hasMessageStartingWith("bootstrap server: ");
    }

    @Test
    void aPrefillAnswerTellsIdAndAddressAndIsNotAskedForAgain() {
        answers.add(offer("\"e1\""));

        assertThat(complete(EngineIdSource.PREFILL_ANSWER, EngineFacts.UNKNOWN).kv())
                .isEqualTo(new KvAddress("10.0.0.1", 5600, 0, "e1", new KvAddress.Parallel(2, 1, 1)));
        assertThat(id(complete(EngineIdSource.PREFILL_ANSWER, EngineFacts.UNKNOWN)))
                .isEqualTo("e1");
    }

    @Test
    void anEngineThatMayHaveRestartedUnseenIsAskedNowAndThen() {
        answers.addAll(List.of(offer("\"e1\""), offer("\"e2\"")));
        for (int probe = 0; probe < 10; probe++) {
            assertThat(id(complete(EngineIdSource.PREFILL_ANSWER, EngineFacts.UNKNOWN)))
                    .isEqualTo("e1");
        }
        assertThat(id(complete(EngineIdSource.PREFILL_ANSWER, EngineFacts.UNKNOWN)))
                .isEqualTo("e2");
    }

    @Test
    void anEngineThatWasStartedAnewIsAskedAtOnce() {
        answers.addAll(List.of(offer("\"e1\""), offer("\"e2\"")));
        metrics = "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 1.79527238379e+09\n";
        complete(EngineIdSource.PREFILL_ANSWER, EngineFacts.UNKNOWN);
        complete(EngineIdSource.PREFILL_ANSWER, EngineFacts.UNKNOWN);

        metrics = metrics.replace("379e", "380e");

        assertThat(id(complete(EngineIdSource.PREFILL_ANSWER, EngineFacts.UNKNOWN)))
                .isEqualTo("e2");
    }

    @Test
    void anEngineWhoseHandOverFailedIsAskedAnew() {
        answers.addAll(List.of(offer("\"e1\""), offer("\"e2\"")));
        complete(EngineIdSource.PREFILL_ANSWER, EngineFacts.UNKNOWN);

        ids.doubt("another");
        assertThat(id(complete(EngineIdSource.PREFILL_ANSWER, EngineFacts.UNKNOWN)))
                .isEqualTo("e1");
        ids.doubt("p");
        assertThat(id(complete(EngineIdSource.PREFILL_ANSWER, EngineFacts.UNKNOWN)))
                .isEqualTo("e2");
    }

    @Test
    void anEngineThatWasGoneIsAskedAnew() {
        answers.addAll(List.of(offer("\"e1\""), offer("\"e2\"")));
        complete(EngineIdSource.PREFILL_ANSWER, EngineFacts.UNKNOWN);

        ids.forget(TestEngine.worker("p", engine.port()));

        assertThat(id(complete(EngineIdSource.PREFILL_ANSWER, EngineFacts.UNKNOWN)))
                .isEqualTo("e2");
    }

    @Test
    void whatTheConfigurationSaysOfTheAddressHolds() {
        answers.add(offer("\"e1\""));

        assertThat(complete(EngineIdSource.PREFILL_ANSWER, here()).kv())
                .isEqualTo(KvAddress.of("127.0.0.1", engine.port()).withEngineId("e1"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "nonsense", "{\"kv_transfer_params\":null}"})
    void anEngineThatNamesNothingIsNotReady(String answer) {
        answers.add(answer);

        assertThatThrownBy(() -> complete(EngineIdSource.PREFILL_ANSWER, EngineFacts.UNKNOWN))
                .isInstanceOf(ProbeFailure.class)
                .hasMessageStartingWith("prefill leg: ");
    }

    @Test
    void whoNeedsNoIdIsNotAsked() {
        assertThat(complete(EngineIdSource.NOT_NEEDED, EngineFacts.UNKNOWN)).isEqualTo(EngineFacts.UNKNOWN);
    }
}
