// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.gateway.fleet.HttpProbe.Probed;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerResponse;
import reactor.netty.resources.ConnectionProvider;

/** What engines show of themselves, in the shapes of vLLM 0.32.0 and SGLang 0.5. */
class EngineInspectorTest {
    private static final String PLAIN = "# HELP vllm:num_requests_running n\n# TYPE vllm:num_requests_running gauge\n";
    private static final String NIXL = PLAIN + "# TYPE vllm:nixl_bytes_transferred histogram\n";
    private static final String ANY = PLAIN + "# TYPE vllm:num_requests_kv_fetch_by_stage gauge\n";

    private final AtomicInteger asked = new AtomicInteger();
    private volatile String metrics = "";
    private volatile String info = "";
    private volatile boolean silent;
    private final Queue<String> legs = new ConcurrentLinkedQueue<>();
    private volatile String prefillAnswer = "";
    private final DisposableServer engine = HttpServer.create()
            .host("127.0.0.1")
            .port(0)
            .route(routes -> routes.get(
                            "/metrics",
                            (request, response) -> response.status(metrics.isEmpty() ? 404 : 200)
                                    .sendString(Mono.just(metrics)))
                    .get("/server_info", (request, response) -> {
                        asked.incrementAndGet();
                        assertThat(request.uri()).endsWith("?config_format=json");
                        return silent
                                ? Mono.never()
                                : response.status(info.isEmpty() ? 404 : 200).sendString(Mono.just(info));
                    })
                    .post(
                            "/v1/completions",
                            (request, response) -> request.receive()
                                    .aggregate()
                                    .asString()
                                    .doOnNext(legs::add)
                                    .then(answer(response))))
            .bindNow();
    private final ConnectionProvider connections = ConnectionProvider.newConnection();
    private final Worker worker = worker("w", Role.DECODE);
    private final Worker prefill = worker("p", Role.PREFILL);
    private final EngineInspector inspector = inspector(Duration.ofSeconds(20));
    private final Logger logger = (Logger) LoggerFactory.getLogger(EngineInspector.class);
    private final ListAppender<ILoggingEvent> lines = new ListAppender<>();

    @BeforeEach
    void capture() {
        lines.start();
        logger.addAppender(lines);
    }

    @AfterEach
    void stop() {
        logger.detachAppender(lines);
        engine.disposeNow();
        connections.dispose();
    }

    @ParameterizedTest
    @CsvSource({
        "nixl_bytes_transferred, nixl",
        "lmcache_mp_lookup_duration_seconds, shared-cache",
        "kv_offload_load_bytes, shared-cache",
        "num_requests_kv_fetch_by_stage, shared-cache",
        "kv_cache_usage_perc, plain"
    })
    void metricsShowTheConnector(String family, String connector) {
        metrics = PLAIN + "# TYPE vllm:" + family + " gauge\n";

        EngineFacts facts = inspect();
        assertThat(facts.connector()).isEqualTo(connector);
        assertThat(facts.kind()).isEqualTo(EngineFacts.Kind.VLLM);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "NixlConnector | {} | nixl",
                "NixlPullConnector | {} | nixl",
                "NixlPushConnector | {} | nixl-push",
                "MooncakeConnector | {} | mooncake",
                "P2pNcclConnector | {\"proxy_port\":\"30001\"} | p2p-nccl",
                "MoRIIOConnector | {\"read_mode\":\"1\"} | moriio-read",
                "MoRIIOConnector | {\"read_mode\":true} | moriio-read",
                "MoRIIOConnector | {} | moriio-write",
                "ExampleConnector | {\"shared_storage_path\":\"/kv\"} | shared-cache",
                "LMCacheMPConnector | {} | shared-cache",
                "LMCacheConnectorV1 | {} | shared-cache",
                "OffloadingConnector | {\"secondary_tiers\":[{\"type\":\"fs\"}]} | shared-cache",
                "OffloadingConnector | {\"secondary_tiers\":[{\"type\":\"fs\"},{\"type\":\"p2p\"}]} |",
                "MooncakeLayerwiseConnector | {} |",
                "MultiConnector | {} | nixl"
            })
    void settingsSayMoreThanMetrics(String name, String extra, String connector) {
        metrics = ANY + "# TYPE vllm:nixl_bytes_transferred histogram\n";
        info = "{\"vllm_config\":{\"model_config\":{\"model\":\"tiny\"},\"kv_transfer_config\":{\"kv_connector\":\""
                + name + "\",\"kv_role\":\"kv_both\",\"kv_connector_extra_config\":" + extra + "}},\"vllm_env\":{}}";

        assertThat(inspect().connector()).isEqualTo(connector);
    }

    private Mono<Void> answer(HttpServerResponse response) {
        return response.status(prefillAnswer.isEmpty() ? 500 : 200)
                .sendString(Mono.just(prefillAnswer))
                .then();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "'transfer_mode':'push' | nixl-push | with transfer_mode push",
                "'transfer_mode':'pull' | nixl | with transfer_mode pull",
                "'remote_port':5600 | nixl | without transfer_mode"
            })
    void thePrefillAnswerSaysWhoMovesTheBlocks(String params, String connector, String seen) {
        metrics = NIXL;
        prefillAnswer = ("{'kv_transfer_params':{" + params + "}}").replace('\'', '"');

        assertThat(inspect(prefill, "tiny").connector()).isEqualTo(connector);
        inspect(prefill, "tiny");
        assertThat(legs)
                .singleElement()
                .asString()
                .contains("\"model\":\"tiny\"", "\"max_tokens\":1,", "\"do_remote_decode\":true");
        assertThat(texts())
                .singleElement()
                .asString()
                .endsWith("seen=\"metrics vllm:nixl_*, prefill answer " + seen + "\" name-it-if-one-of=[]");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "nonsense", "{\"kv_transfer_params\":{\"transfer_mode\":\"\\n\"}}"})
    void aPrefillAnswerThatSaysNothingLeavesBoth(String answer) {
        metrics = NIXL;
        prefillAnswer = answer;

        assertThat(inspect(prefill, "tiny").connector()).isEqualTo("nixl");
        inspect(prefill, "tiny");
        assertThat(legs).hasSize(1);
        assertThat(texts())
                .singleElement()
                .asString()
                .endsWith("seen=\"metrics vllm:nixl_*\" name-it-if-one-of=[nixl-push]");
    }

    @Test
    void nobodyElseGetsAPrefillLeg() {
        metrics = ANY;
        inspect(prefill, "tiny");
        inspector.forget(prefill);
        metrics = NIXL;
        inspect();
        ask(inspector, prefill, "tiny", true);
        inspector.forget(prefill);
        info = "{\"vllm_config\":{\"kv_transfer_config\":{\"kv_connector\":\"NixlConnector\"}}}";
        inspect(prefill, "tiny");

        assertThat(legs).isEmpty();
    }

    @Test
    void aDecodeEngineFollowsThePrefillEnginesOfItsModel() {
        metrics = NIXL;
        prefillAnswer = "{\"kv_transfer_params\":{\"transfer_mode\":\"push\"}}";
        inspect(worker("other", Role.PREFILL), "other");
        assertThat(inspect().connector()).isEqualTo("nixl");

        inspect(prefill, "tiny");
        assertThat(inspect().connector()).isEqualTo("nixl-push");

        prefillAnswer = "{\"kv_transfer_params\":{\"transfer_mode\":\"pull\"}}";
        inspect(worker("p2", Role.PREFILL), "tiny");
        assertThat(inspect().connector()).as("two that differ decide nothing").isEqualTo("nixl");

        inspector.forget(prefill);
        assertThat(inspect().connector()).isEqualTo("nixl");
        assertThat(texts().getLast()).endsWith("transfer_mode pull\" name-it-if-one-of=[]");
    }

    @Test
    void settingsWithoutAConnectorArePlain() {
        metrics = PLAIN;
        info = "{\"vllm_config\":{\"kv_transfer_config\":null}}";

        assertThat(inspect().connector()).isEqualTo("plain");
    }

    @Test
    void sglangSaysItsModeAndItsPort() {
        info = "{\"model_path\":\"tiny\",\"disaggregation_mode\":\"prefill\",\"disaggregation_bootstrap_port\":8998}";
        EngineFacts facts = inspect();
        assertThat(facts.connector()).isEqualTo("sglang");
        assertThat(facts.kind()).isEqualTo(EngineFacts.Kind.SGLANG);
        assertThat(facts.kv()).isEqualTo(KvAddress.of("127.0.0.1", 8998));

        inspector.forget(worker);
        info = info.replace("prefill", "decode");
        assertThat(inspect().connector()).isEqualTo("sglang");

        inspector.forget(worker);
        info = info.replace("\"decode\"", "\"null\"");
        assertThat(inspect()).isEqualTo(new EngineFacts("plain", 0).of(EngineFacts.Kind.SGLANG));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"not json", "[]", "{}", "{\"vllm_config\":\"model='tiny'\"}", "{\"disaggregation_mode\":7}"})
    void settingsOfAnotherShapeSayNothing(String other) {
        metrics = ANY;
        info = other;

        assertThat(inspect().connector()).isEqualTo("shared-cache");
    }

    @Test
    void whatIsKnownIsNotAskedAgain() {
        metrics = ANY;
        inspect();
        inspect();
        assertThat(asked).hasValue(1);

        inspector.forget(worker);
        inspect();
        assertThat(asked).hasValue(2);
    }

    @Test
    void settingsThatComeTooLateAreAskedForAgain() {
        metrics = ANY;
        info = "{\"vllm_config\":{\"kv_transfer_config\":{\"kv_connector\":\"NixlPushConnector\"}}}";
        silent = true;
        EngineInspector impatient = inspector(Duration.ofSeconds(1));
        assertThat(ask(impatient, worker, "tiny", false).connector()).isEqualTo("shared-cache");

        silent = false;
        EngineFacts facts = ask(impatient, worker, "tiny", false);
        while (!"nixl-push".equals(facts.connector())) { // a loaded machine may need more than a second
            facts = ask(impatient, worker, "tiny", false);
        }
        assertThat(texts()).hasSize(2);
        assertThat(texts().getLast())
                .contains("connector=nixl-push seen=\"server info kv_connector NixlPushConnector\"");
    }

    @Test
    void theLogSaysOnceWhatWasSeenAndWhatElseItCouldBe() {
        metrics = ANY;
        inspect();
        inspect();

        assertThat(texts())
                .singleElement()
                .asString()
                .startsWith("hand-over protocol found worker=w connector=shared-cache"
                        + " seen=\"metrics vllm:num_requests_kv_fetch_by_stage\" name-it-if-one-of=[lmcache-pd,");
    }

    @Test
    void whatAskingCannotTellIsToBeNamed() {
        info = "{\"vllm_config\":{\"kv_transfer_config\":{\"kv_connector\":\"OffloadingConnector\","
                + "\"kv_connector_extra_config\":{\"secondary_tiers\":[{\"type\":\"p2p\"}]}}}}";
        inspect();
        inspect();

        assertThat(texts())
                .containsExactly(
                        "the hand-over protocol of an engine is not known, name it in the connector of its worker"
                                + " worker=w seen=\"server info kv_connector OffloadingConnector with a p2p tier\""
                                + " choices=[offload-p2p, offload-pull]");
    }

    @Test
    void whatIsNamedNeedsNoLine() {
        metrics = ANY;
        ask(inspector, worker, "tiny", true);

        assertThat(texts()).isEmpty();
    }

    private Worker worker(String id, Role role) {
        return new Worker(id, URI.create("http://127.0.0.1:" + engine.port()), role);
    }

    private EngineFacts inspect() {
        return ask(inspector, worker, "tiny", false);
    }

    private EngineFacts inspect(Worker other, String model) {
        return ask(inspector, other, model, false);
    }

    private static EngineFacts ask(EngineInspector asking, Worker whom, String model, boolean named) {
        return Objects.requireNonNull(
                asking.inspect(new Probed(whom, model, null), named).block(Duration.ofSeconds(60)));
    }

    private EngineInspector inspector(Duration timeout) {
        return new EngineInspector(new ProbeClient(connections, timeout));
    }

    private List<String> texts() {
        return lines.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }
}
