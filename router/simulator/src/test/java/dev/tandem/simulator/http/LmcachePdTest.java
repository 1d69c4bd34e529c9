// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.simulator.engine.EngineCounter;
import dev.tandem.simulator.http.RawClient.Response;
import dev.tandem.simulator.lmcache.PdConfig;
import dev.tandem.simulator.notice.Mishaps;
import dev.tandem.simulator.wire.Json;
import java.io.IOException;
import java.util.HexFormat;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.zeromq.SocketType;
import org.zeromq.ZContext;
import org.zeromq.ZMQ;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** A prefill engine that pushes into a decode engine and tells a router, whose socket is the test's. */
@Timeout(60)
class LmcachePdTest {
    private static final String PROMPT = "the quick brown fox jumps over the lazy dog and runs away ".repeat(6);
    private static final String SEVEN = "82a474797065aa50726f78794e6f746966a67265715f6964a137";

    private final ZContext context = new ZContext();
    private ZMQ.Socket router;
    private SimulatedEngine decode;
    private String address = "";

    @BeforeEach
    void start() {
        router = context.createSocket(SocketType.PULL);
        router.setReceiveTimeOut(20_000);
        address = "127.0.0.1:" + router.bindToRandomPort("tcp://127.0.0.1");
        decode = SimulatedEngine.start(
                EngineOptions.of("m", 0).withConnector("LMCacheConnectorV1", PdConfig.receiver()));
    }

    @AfterEach
    void stop() {
        decode.close();
        context.close();
    }

    private SimulatedEngine prefill(UnaryOperator<EngineOptions> change) {
        return SimulatedEngine.start(
                change.apply(EngineOptions.of("m", 0).withConnector("LMCacheConnectorV1", PdConfig.sender(address))));
    }

    /** Returns the parameters of a prefill leg for this decode engine with so many workers. */
    private ObjectNode params(String requestId, int ranks) {
        ObjectNode params = Json.object().put("ret_first_tok", true);
        ObjectNode spec =
                params.putObject("disagg_spec").put("req_id", requestId).put("receiver_host", "127.0.0.1");
        ArrayNode init = spec.putArray("receiver_init_port");
        ArrayNode alloc = spec.putArray("receiver_alloc_port");
        for (int i = 0; i < ranks; i++) {
            init.add(decode.sideChannelPort() + i);
            alloc.add(7_400 + i);
        }
        return params;
    }

    private static Response prefill(SimulatedEngine engine, JsonNode prompt, JsonNode params) throws IOException {
        ObjectNode body = Json.object().put("max_tokens", 1).put("ignore_eos", true);
        body.set("prompt", prompt);
        body.set("kv_transfer_params", params);
        return Pair.post(engine, Pair.PATH, body);
    }

    private static ArrayNode tokens(SimulatedEngine engine) throws IOException {
        Response answer = Pair.post(engine, "/tokenize", Json.object().put("prompt", PROMPT));
        return (ArrayNode) Pair.json(answer).get("tokens");
    }

    private String told() {
        return HexFormat.of().formatHex(router.recv());
    }

    private boolean nothingIsTold() {
        return router.recv(ZMQ.DONTWAIT) == null;
    }

    @Test
    void theFirstTokenComesFromThePrefillEngineAndTheRestFromTheOther() throws IOException {
        try (SimulatedEngine prefill = prefill(options -> options)) {
            ArrayNode tokens = tokens(prefill);
            JsonNode first = Pair.json(prefill(prefill, tokens, params("7", 2)));
            assertThat(told()).isEqualTo(SEVEN);
            assertThat(told()).as("one for each worker of the decode engine").isEqualTo(SEVEN);
            assertThat(decode.fact("strandedBlocks")).isEqualTo(tokens.size() / 16);
            ArrayNode longer = tokens.deepCopy()
                    .add(first.at("/kv_transfer_params/first_tok").asInt(-1));
            ObjectNode rest = Json.object().put("max_tokens", 11).put("ignore_eos", true);
            rest.set("prompt", longer);
            Response answer = Pair.post(decode, Pair.PATH, rest);
            assertThat(answer.status()).isEqualTo(200);
            assertThat(decode.stats().count(EngineCounter.EXTERNAL_HITS)).isEqualTo(tokens.size() / 16 * 16L);
            assertThat(decode.fact("strandedBlocks")).isZero();
            assertThat(nothingIsTold()).isTrue();
        }
    }

    @Test
    void theDecodeEngineReadsAsOneThatWasAlone() throws IOException {
        try (SimulatedEngine prefill = prefill(options -> options)) {
            prefill(prefill, tokens(prefill), params("7", 1));
            Response answer = Pair.post(decode, Pair.PATH, Pair.request(PROMPT, 12));
            assertThat(Pair.text(answer)).isEqualTo(Pair.alone(PROMPT));
            assertThat(decode.stats().count(EngineCounter.EXTERNAL_HITS)).isPositive();
        }
    }

    @Test
    void blocksStayWhenTheDecodeLegNeverComes() throws IOException {
        try (SimulatedEngine prefill = prefill(options -> options)) {
            ArrayNode tokens = tokens(prefill);
            prefill(prefill, tokens, params("7", 1));
            Pair.post(decode, Pair.PATH, Pair.request("another prompt ".repeat(20), 3));
            assertThat(decode.fact("strandedBlocks")).isEqualTo(tokens.size() / 16);
        }
    }

    @Test
    void blocksThatTheDecodeEngineHasAlreadyDoNotStay() throws IOException {
        try (SimulatedEngine prefill = prefill(options -> options)) {
            Pair.post(decode, Pair.PATH, Pair.request(PROMPT, 3));
            prefill(prefill, tokens(prefill), params("7", 1));
            assertThat(decode.fact("strandedBlocks")).isPositive();
            Pair.post(decode, Pair.PATH, Pair.request(PROMPT, 3));
            assertThat(decode.fact("strandedBlocks")).isZero();
        }
    }

    @Test
    void aPushThatFailsIsNotTold() throws IOException {
        try (SimulatedEngine prefill = prefill(options -> options.withMishaps(Mishaps.NONE.withEarly()))) {
            ObjectNode params = params("6", 1);
            params.withObject("disagg_spec").putArray("receiver_init_port").add(1);
            assertThat(prefill(prefill, tokens(prefill), params).status()).isEqualTo(200);
            prefill(prefill, tokens(prefill), params("7", 1));
            assertThat(told()).isEqualTo(SEVEN);
        }
    }

    @Test
    void noticesAreLostAndDoubled() throws IOException {
        Mishaps mishaps = Mishaps.NONE.withLose(2).withDuplicate(3).withEarly();
        try (SimulatedEngine prefill = prefill(options -> options.withMishaps(mishaps))) {
            ArrayNode tokens = tokens(prefill);
            for (String id : new String[] {"7", "lost", "8"}) {
                prefill(prefill, tokens, params(id, 1));
            }
            assertThat(told()).isEqualTo(SEVEN);
            assertThat(told()).endsWith("a138");
            assertThat(told()).endsWith("a138");
        }
    }

    @Test
    void strictEnginesRefuseWhatACorrectRouterNeverSends() throws IOException {
        try (SimulatedEngine prefill = prefill(options -> options)) {
            ArrayNode tokens = tokens(prefill);
            ObjectNode numbered = params("7", 1);
            numbered.withObject("disagg_spec").put("req_id", 7);
            assertThat(prefill(prefill, tokens, numbered).body()).contains("ContractViolation", "req_id: 7");
            ObjectNode uneven = params("7", 2);
            uneven.withObject("disagg_spec").putArray("receiver_alloc_port").add(1);
            assertThat(prefill(prefill, tokens, uneven).body()).contains("ContractViolation", "equally long");
            ObjectNode unknown = params("7", 1).put("do_remote_decode", true);
            assertThat(prefill(prefill, tokens, unknown).body())
                    .contains("ContractViolation", "do_remote_decode: not of LMCache");
            ObjectNode leg = Pair.request(PROMPT, 2);
            assertThat(Pair.post(prefill, Pair.PATH, leg).body()).contains("ContractViolation", "max_tokens: 2");
            leg.set("kv_transfer_params", params("7", 1));
            assertThat(Pair.post(decode, Pair.PATH, leg).body())
                    .contains("ContractViolation", "ret_first_tok: not of LMCache");
            assertThat(prefill(prefill, tokens, params("7", 1)).status()).isEqualTo(200);
            assertThat(prefill(prefill, tokens, params("7", 1)).body())
                    .contains("ContractViolation", "disagg_spec.req_id: used before: 7");
        }
    }

    @Test
    void readsLmcachesVariablesAndSettings() {
        String config =
                "{\"kv_connector\":\"LMCacheConnectorV1\",\"kv_role\":\"kv_consumer\",\"kv_connector_extra_config\":"
                        + "{\"lmcache.enable_pd\":true,\"lmcache.pd_peer_host\":\"10.0.0.2\","
                        + "\"lmcache.pd_peer_init_port\":[7300,7301]}}";
        assertThat(KvTransfer.parse(config).config()).isEqualTo(new PdConfig(true, false, "10.0.0.2", 7_300, null));
        Map<String, String> variables = Map.of(
                "LMCACHE_ENABLE_PD", "True",
                "LMCACHE_PD_ROLE", "sender",
                "LMCACHE_PD_PROXY_HOST", "router",
                "LMCACHE_PD_PROXY_PORT", "7500");
        EngineOptions sender = EngineOptions.parse(
                        "m",
                        "--kv-transfer-config",
                        "{\"kv_connector\":\"LMCacheConnectorV1\",\"kv_role\":\"kv_producer\"}")
                .withEnvironment(variables);
        assertThat(sender.transfer())
                .isNotNull()
                .extracting(KvTransfer::config)
                .isEqualTo(new PdConfig(true, true, "localhost", 0, "router:7500"));
    }

    @Test
    void readsTheNamesThatSettingsHadBefore() {
        Map<String, String> variables = Map.of(
                "LMCACHE_ENABLE_NIXL", "True",
                "LMCACHE_NIXL_ROLE", "sender",
                "LMCACHE_NIXL_RECEIVER_HOST", "decode",
                "LMCACHE_NIXL_RECEIVER_PORT", "55555");
        assertThat(new PdConfig(false, false, "localhost", 0, null).withEnvironment(variables))
                .isEqualTo(new PdConfig(true, true, "decode", 55_555, null));
    }
}
