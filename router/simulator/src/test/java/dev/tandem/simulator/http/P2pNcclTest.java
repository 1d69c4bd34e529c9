// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.simulator.engine.EngineCounter;
import dev.tandem.simulator.http.RawClient.Response;
import dev.tandem.simulator.notice.Mishaps;
import dev.tandem.simulator.p2pnccl.P2pNcclConfig;
import dev.tandem.simulator.transfer.KvRole;
import dev.tandem.simulator.wire.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.zeromq.SocketType;
import org.zeromq.ZContext;
import org.zeromq.ZMQ;
import tools.jackson.databind.node.ObjectNode;

@Timeout(60)
class P2pNcclTest {
    private static final String PROMPT = "the quick brown fox jumps over the lazy dog and runs away ".repeat(6);
    private static final String OTHER = "the quick brown fox jumps over the lazy cat and runs away ".repeat(6);
    private static final String UNIQUE = "0123456789abcdef0123456789abcdef";

    /** A prefill and a decode engine. */
    private record Engines(SimulatedEngine prefill, SimulatedEngine decode) implements AutoCloseable {
        static Engines start(UnaryOperator<EngineOptions> change) {
            return new Engines(engine(KvRole.PRODUCER, change), engine(KvRole.CONSUMER, change));
        }

        static Engines strict() {
            return start(options -> options);
        }

        static Engines faithful() {
            return start(options -> options.withStrict(false));
        }

        private static SimulatedEngine engine(KvRole role, UnaryOperator<EngineOptions> change) {
            EngineOptions options = EngineOptions.of("m", 0).withP2pNccl(P2pNcclConfig.of(role));
            return SimulatedEngine.start(change.apply(options));
        }

        String id(String unique) {
            return "___prefill_addr_127.0.0.1:" + prefill.sideChannelPort() + "___decode_addr_127.0.0.1:"
                    + decode.sideChannelPort() + "_" + unique;
        }

        Response prefill(String prompt, String id) throws IOException {
            return post(prefill, Pair.request(prompt, 1), id);
        }

        Response decode(String prompt, String id) throws IOException {
            return post(decode, Pair.request(prompt, 12), id);
        }

        @Override
        public void close() {
            prefill.close();
            decode.close();
        }
    }

    private static Response post(SimulatedEngine engine, ObjectNode body, String id) throws IOException {
        try (RawClient client = new RawClient(engine.port())) {
            return client.send(RawClient.post(Pair.PATH, Json.text(body), "X-Request-Id: " + id + "\r\n"))
                    .read();
        }
    }

    private static void refuses(SimulatedEngine engine, ObjectNode body, String id, String message) throws IOException {
        Response response = post(engine, body, id);
        assertThat(response.status()).isEqualTo(400);
        assertThat(response.body()).contains("ContractViolation", message);
        assertThat(engine.journal().violations().getLast().violation().orElse(""))
                .contains(message);
    }

    private static long stranded(SimulatedEngine engine) {
        return engine.fact("strandedTensors");
    }

    @Test
    void theDecodeEngineContinuesFromWhatWasPushed() throws IOException {
        try (Engines engines = Engines.strict()) {
            String id = engines.id(UNIQUE);
            Response prefilled = engines.prefill(PROMPT, id);
            assertThat(prefilled.status()).isEqualTo(200);
            assertThat(Pair.json(prefilled).path("kv_transfer_params").isNull()).isTrue();
            assertThat(stranded(engines.decode)).as("there before the answer").isEqualTo(1);
            Response decoded = engines.decode(PROMPT, id);
            assertThat(Pair.text(decoded)).isEqualTo(Pair.alone(PROMPT));
            assertThat(engines.decode.stats().count(EngineCounter.EXTERNAL_HITS))
                    .isPositive();
            Waiting.until(() -> engines.decode.fact("heldTensors") == 0);
            Waiting.until(() -> engines.prefill.stats().kvUsage() == 0);
            assertThat(engines.prefill.journal().violations()).isEmpty();
            assertThat(engines.decode.journal().violations()).isEmpty();
        }
    }

    @Test
    void tensorsStayWhenTheDecodeLegNeverComes() throws IOException {
        try (Engines engines = Engines.strict();
                RawClient client = new RawClient(engines.decode.port())) {
            engines.prefill(PROMPT, engines.id("a"));
            engines.prefill(PROMPT, engines.id("b"));
            assertThat(stranded(engines.decode)).isEqualTo(2);
            engines.decode(PROMPT, engines.id("a"));
            Waiting.until(() -> engines.decode.fact("heldTensors") == 1);
            assertThat(stranded(engines.decode)).isEqualTo(1);
            String seen = client.send("GET /sim/engine HTTP/1.1\r\nHost: x\r\n\r\n")
                    .read()
                    .body();
            assertThat(Json.MAPPER.readTree(seen).at("/facts/strandedTensors").asInt())
                    .isEqualTo(1);
        }
    }

    @Test
    void kvOfAnotherPromptChangesTheText() throws IOException {
        try (Engines engines = Engines.faithful()) {
            engines.prefill(OTHER, engines.id("a"));
            assertThat(Pair.text(engines.decode(PROMPT, engines.id("a")))).isNotEqualTo(Pair.alone(PROMPT));
        }
    }

    @Test
    void kvOfAShorterPromptChangesTheText() throws IOException {
        try (Engines engines = Engines.faithful()) {
            engines.prefill(PROMPT.substring(0, PROMPT.length() / 2), engines.id("a"));
            assertThat(Pair.text(engines.decode(PROMPT, engines.id("a")))).isNotEqualTo(Pair.alone(PROMPT));
        }
    }

    @Test
    void theWholeDecodeEngineWaitsUntilThePrefillEngineSends() throws IOException {
        try (Engines engines = Engines.faithful();
                RawClient early = new RawClient(engines.decode.port())) {
            String body = Json.text(Pair.request(PROMPT, 12));
            early.send(RawClient.post(Pair.PATH, body, "X-Request-Id: " + engines.id("a") + "\r\n"));
            Waiting.until(() -> engines.decode.stats().deferred() == 1);
            try (RawClient second = new RawClient(engines.decode.port())) {
                second.send(RawClient.post(Pair.PATH, body, "X-Request-Id: " + engines.id("b") + "\r\n"));
                Waiting.until(() -> engines.decode.stats().waiting() == 2);
            }
            Waiting.until(() -> engines.decode.journal().requests().get(1).end() == SeenRequest.End.ABORTED_BY_CLIENT);
            assertThat(engines.decode.stats().waiting())
                    .as("an abort is not seen")
                    .isEqualTo(2);
            engines.prefill(PROMPT, engines.id("a"));
            assertThat(Pair.text(early.read())).isEqualTo(Pair.alone(PROMPT));
            Waiting.until(() -> engines.decode.stats().waiting() == 0);
        }
    }

    @Test
    void anIdWithoutAddressesKillsTheEngine() throws IOException {
        try (Engines engines = Engines.faithful()) {
            assertThat(engines.prefill(PROMPT, "plain").status()).isEqualTo(500);
            assertThat(engines.prefill(PROMPT, engines.id("a")).status()).isEqualTo(500);
            assertThat(engines.decode(PROMPT, "plain").status()).isEqualTo(500);
        }
    }

    @Test
    void anUnreachableDecodeEngineIsNoErrorOfThePrefillLeg() throws IOException {
        try (Engines engines = Engines.faithful()) {
            String id = engines.id("a").replace(":" + engines.decode.sideChannelPort() + "_", ":1_");
            assertThat(engines.prefill(PROMPT, id).status()).isEqualTo(200);
        }
    }

    @Test
    void randomIdsNeverMeet() throws IOException {
        try (Engines engines = Engines.start(options -> options.withVersion("0.16.0"));
                RawClient waits = new RawClient(engines.decode.port())) {
            engines.prefill(PROMPT, engines.id("a"));
            String body = Json.text(Pair.request(PROMPT, 12));
            waits.send(RawClient.post(Pair.PATH, body, "X-Request-Id: " + engines.id("a") + "\r\n"));
            Waiting.until(() -> engines.decode.stats().deferred() == 1);
            assertThat(stranded(engines.decode)).isEqualTo(1);
        }
        Map<String, String> remedy = Map.of("VLLM_DISABLE_REQUEST_ID_RANDOMIZATION", "1");
        try (Engines engines =
                Engines.start(options -> options.withVersion("0.16.0").withEnvironment(remedy))) {
            engines.prefill(PROMPT, engines.id("a"));
            assertThat(engines.decode(PROMPT, engines.id("a")).status()).isEqualTo(200);
        }
    }

    @Test
    void anEngineKnowsItselfByTheAddressThatItsHostIsTold() {
        P2pNcclConfig config = P2pNcclConfig.of(KvRole.PRODUCER).withPort(20_001);
        assertThat(config.withEnvironment(Map.of("VLLM_HOST_IP", "10.0.0.2")))
                .isEqualTo(new P2pNcclConfig(
                        KvRole.PRODUCER, "10.0.0.2", 20_001, null, 0, config.interval(), config.randomIds()));
        assertThat(config.withEnvironment(Map.of())).isEqualTo(config);
    }

    @Test
    void strictEnginesRefuseWhatACorrectRouterNeverSends() throws IOException {
        try (Engines engines = Engines.strict()) {
            String id = engines.id(UNIQUE);
            ObjectNode leg = Pair.request(PROMPT, 1);
            refuses(engines.prefill, leg, "plain", "x-request-id: plain (expected: ___prefill_addr_");
            refuses(engines.decode, leg, "plain", "x-request-id: plain (expected: ___prefill_addr_");
            refuses(engines.prefill, leg, id + ":7", "is no host");
            refuses(engines.decode, leg, engines.id("x").replace("127.0.0.1", "10.0.0.9"), "this engine's");
            refuses(engines.prefill, Pair.request(PROMPT, 2), id, "max_tokens: 2");
            refuses(engines.prefill, leg.deepCopy().put("stream", true), id, "stream: true");
            refuses(engines.decode, leg.deepCopy().put("n", 2), id, "n: 2");
            refuses(engines.prefill, Pair.prefillLeg(PROMPT), id, "kv_transfer_params: present");
            engines.prefill(PROMPT, id);
            refuses(engines.prefill, leg, id, "x-request-id: used before");
        }
    }

    @Test
    void claimsTheVersionThatStillHasTheConnector() throws IOException {
        try (Engines engines = Engines.strict();
                RawClient client = new RawClient(engines.prefill.port())) {
            assertThat(client.send("GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
                            .read()
                            .body())
                    .isEqualTo("{\"version\":\"0.13.0\"}");
        }
    }

    @Test
    void isRefusedByVersionsThatDoNotHaveIt() {
        String config = "{\"kv_connector\":\"P2pNcclConnector\",\"kv_role\":\"kv_producer\",\"kv_port\":\"21001\","
                + "\"kv_connector_extra_config\":{\"proxy_ip\":\"10.0.0.9\",\"proxy_port\":\"30001\","
                + "\"http_port\":\"8100\",\"send_type\":\"PUT\"}}";
        assertThatThrownBy(() -> EngineOptions.parse("m", "--kv-transfer-config", config))
                .isInstanceOf(UsageException.class)
                .hasMessageContaining("Unsupported connector type: P2pNcclConnector");
        EngineOptions old = EngineOptions.parse("m", "--kv-transfer-config", config, "--sim-version", "0.13.0");
        assertThat(old.transfer())
                .isNotNull()
                .extracting(KvTransfer::config)
                .isEqualTo(new P2pNcclConfig(
                        KvRole.PRODUCER, "127.0.0.1", 21_001, "10.0.0.9:30001", 8_100, Duration.ofSeconds(3), true));
        assertThatThrownBy(() -> KvTransfer.parse(config.replace("PUT", "GET")))
                .isInstanceOf(UsageException.class)
                .hasMessage("send_type: GET (expected: PUT or PUT_ASYNC)");
    }

    @Test
    void registersAgainAndAgainAndLosesWhatItShould() {
        try (ZContext context = new ZContext()) {
            ZMQ.Socket router = context.createSocket(SocketType.ROUTER);
            router.setReceiveTimeOut(20_000);
            int port = router.bindToRandomPort("tcp://127.0.0.1");
            P2pNcclConfig config =
                    P2pNcclConfig.of(KvRole.CONSUMER).withRouter("127.0.0.1:" + port, Duration.ofMillis(5));
            try (SimulatedEngine engine = SimulatedEngine.start(
                    EngineOptions.of("m", 0).withP2pNccl(config).withMishaps(Mishaps.NONE.withLose(2)))) {
                for (int i = 0; i < 3; i++) {
                    assertThat(new String(router.recv(), StandardCharsets.UTF_8))
                            .isEqualTo("127.0.0.1:" + engine.sideChannelPort());
                    assertThat(HexFormat.of().formatHex(router.recv()))
                            .startsWith("83a474797065a144ac687474705f61646472657373")
                            .contains(HexFormat.of()
                                    .formatHex(("127.0.0.1:" + engine.port()).getBytes(StandardCharsets.UTF_8)));
                }
            }
        }
    }

    @Test
    void comesBackWithoutWhatWasPushedBefore() throws IOException {
        try (Engines engines = Engines.strict()) {
            int port = engines.decode.sideChannelPort();
            engines.prefill(PROMPT, engines.id("a"));
            engines.decode.restart();
            assertThat(engines.decode.sideChannelPort()).isEqualTo(port);
            assertThat(stranded(engines.decode)).isZero();
            engines.prefill(PROMPT, engines.id("b"));
            assertThat(Pair.text(engines.decode(PROMPT, engines.id("b")))).isEqualTo(Pair.alone(PROMPT));
        }
    }
}
