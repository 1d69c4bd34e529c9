// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.simulator.engine.EngineCounter;
import dev.tandem.simulator.http.RawClient.Response;
import dev.tandem.simulator.moriio.MoriioConfig;
import dev.tandem.simulator.transfer.KvRole;
import dev.tandem.simulator.wire.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.zeromq.SocketType;
import org.zeromq.ZContext;
import org.zeromq.ZMQ;
import tools.jackson.databind.node.ObjectNode;

@Timeout(60)
class MoriioTest {
    private static final String PROMPT = "the quick brown fox jumps over the lazy dog and runs away ".repeat(6);
    private static final String OTHER = "the quick brown fox jumps over the lazy cat and runs away ".repeat(6);
    private static final String UNIQUE = "0123456789abcdef0123456789abcdef";

    private SimulatedEngine prefill = engine(MoriioConfig.of(KvRole.PRODUCER, true), true);
    private SimulatedEngine decode = engine(MoriioConfig.of(KvRole.CONSUMER, true), true);

    private void start(boolean reads, boolean strict) {
        stop();
        prefill = engine(MoriioConfig.of(KvRole.PRODUCER, reads), strict);
        decode = engine(MoriioConfig.of(KvRole.CONSUMER, reads), strict);
    }

    private static SimulatedEngine engine(MoriioConfig config, boolean strict) {
        return SimulatedEngine.start(EngineOptions.of("m", 0).withMoriio(config).withStrict(strict));
    }

    @AfterEach
    void stop() {
        prefill.close();
        decode.close();
    }

    private static String zmq(SimulatedEngine engine) {
        return "host:127.0.0.1,handshake:" + engine.sideChannelPort() + ",notify:61005";
    }

    private String id() {
        return "___prefill_addr_" + zmq(prefill) + "___decode_addr_" + zmq(decode) + "_" + UNIQUE;
    }

    private static Response post(SimulatedEngine engine, ObjectNode body, String id) throws IOException {
        try (RawClient client = new RawClient(engine.port())) {
            return client.send(RawClient.post(Pair.PATH, Json.text(body), "X-Request-Id: " + id + "\r\n"))
                    .read();
        }
    }

    private static ObjectNode sizes(ObjectNode params) {
        return params.put("remote_dp_size", 1).put("remote_tp_size", 1);
    }

    private static ObjectNode asking(String transferId) {
        return sizes(Json.object()
                .put("do_remote_decode", true)
                .put("do_remote_prefill", false)
                .putNull("remote_engine_id")
                .putNull("remote_block_ids")
                .put("transfer_id", transferId));
    }

    /** Returns what a router makes of the parameters of a prefill answer, or of nothing. */
    private static ObjectNode decoding(String transferId, ObjectNode answered) {
        ObjectNode params = sizes(Json.object()
                .put("do_remote_decode", false)
                .put("do_remote_prefill", true)
                .put("remote_dp_rank", 0)
                .put("transfer_id", transferId));
        params.set("remote_engine_id", answered.get("remote_engine_id"));
        params.set("remote_block_ids", answered.get("remote_block_ids"));
        return params;
    }

    private static ObjectNode leg(String prompt, int tokens, ObjectNode params) {
        ObjectNode body = Pair.request(prompt, tokens);
        body.set("kv_transfer_params", params);
        return body;
    }

    /** Runs a prefill leg and returns the parameters in its answer. */
    private ObjectNode prefilled(String prompt, String transferId) throws IOException {
        Response answer = post(prefill, leg(prompt, 1, asking(transferId)), id());
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        return (ObjectNode) Pair.json(answer).get("kv_transfer_params");
    }

    private static void refuses(SimulatedEngine engine, ObjectNode body, String id, String message) throws IOException {
        assertThat(post(engine, body, id).body()).contains("ContractViolation", message);
    }

    @Test
    void theDecodeEngineReadsWhatThePrefillEngineKeeps() throws IOException {
        ObjectNode answered = prefilled(PROMPT, "tx-1");
        assertThat(answered.propertyNames())
                .containsExactly(
                        "do_remote_prefill",
                        "do_remote_decode",
                        "remote_block_ids",
                        "remote_engine_id",
                        "remote_host",
                        "remote_handshake_port",
                        "remote_notify_port",
                        "remote_dp_size",
                        "tp_size",
                        "transfer_id");
        assertThat(prefill.stats().kept()).isEqualTo(1);
        Response decoded = post(decode, leg(PROMPT, 12, decoding("tx-1", answered)), id());
        assertThat(Pair.text(decoded)).isEqualTo(Pair.alone(PROMPT));
        assertThat(decode.stats().count(EngineCounter.EXTERNAL_HITS)).isPositive();
        Waiting.until(() -> prefill.stats().kept() == 0);
        assertThat(prefill.journal().violations()).isEmpty();
        assertThat(decode.journal().violations()).isEmpty();
    }

    @Test
    void theAddressMayStandInTheParameters() throws IOException {
        ObjectNode ask = asking("tx-1")
                .put("remote_host", "127.0.0.1")
                .put("remote_handshake_port", decode.sideChannelPort())
                .put("remote_notify_port", 61_005);
        ObjectNode answered = (ObjectNode)
                Pair.json(post(prefill, leg(PROMPT, 1, ask), "plain")).get("kv_transfer_params");
        ObjectNode params = sizes(answered.deepCopy());
        assertThat(Pair.text(post(decode, leg(PROMPT, 12, params), "plain"))).isEqualTo(Pair.alone(PROMPT));
    }

    @Test
    void thePrefillEngineWritesWhicheverLegIsFirst() throws IOException {
        start(false, true);
        prefilled(PROMPT, "tx-1");
        Response late = post(decode, leg(PROMPT, 12, decoding("tx-1", Json.object())), id());
        assertThat(Pair.text(late)).isEqualTo(Pair.alone(PROMPT));
        try (RawClient early = new RawClient(decode.port())) {
            String body = Json.text(leg(OTHER, 12, decoding("tx-2", Json.object())));
            early.send(RawClient.post(Pair.PATH, body, "X-Request-Id: " + id() + "\r\n"));
            Waiting.until(() -> decode.stats().deferred() == 1);
            prefilled(OTHER, "tx-2");
            assertThat(Pair.text(early.read())).isEqualTo(Pair.alone(OTHER));
        }
        Waiting.until(() -> prefill.stats().kept() == 0);
        Waiting.until(() -> decode.fact("unclaimedWrites") == 0);
    }

    @Test
    void kvOfAnotherPromptChangesTheText() throws IOException {
        start(true, false);
        ObjectNode read = prefilled(OTHER, "tx-1");
        assertThat(Pair.text(post(decode, leg(PROMPT, 12, decoding("tx-1", read)), id())))
                .isNotEqualTo(Pair.alone(PROMPT));
        start(false, false);
        prefilled(OTHER, "tx-2");
        assertThat(Pair.text(post(decode, leg(PROMPT, 12, decoding("tx-2", Json.object())), id())))
                .isNotEqualTo(Pair.alone(PROMPT));
    }

    @Test
    void aDecodeEngineDoesNotComputePlainRequests() throws IOException {
        start(true, false);
        assertThat(Pair.text(post(decode, Pair.request(PROMPT, 12), "plain"))).isNotEqualTo(Pair.alone(PROMPT));
        start(false, false);
        try (RawClient waits = new RawClient(decode.port())) {
            waits.send(RawClient.post(Pair.PATH, Json.text(Pair.request(PROMPT, 12))));
            Waiting.until(() -> decode.stats().deferred() == 1);
        }
        Waiting.until(() -> decode.stats().deferred() == 0);
    }

    @Test
    void aMissingTransferIdOrAddressKillsTheEngine() throws IOException {
        start(true, false);
        assertThat(post(prefill, leg(PROMPT, 1, asking("tx-1")), "plain").status())
                .isEqualTo(500);
        assertThat(post(prefill, Pair.request(PROMPT, 1), "plain").status()).isEqualTo(500);
        ObjectNode nameless = decoding("tx-1", Json.object());
        nameless.remove("transfer_id");
        assertThat(post(decode, leg(PROMPT, 1, nameless), id()).status()).isEqualTo(500);
    }

    @Test
    void strictEnginesRefuseWhatACorrectRouterNeverSends() throws IOException {
        refuses(decode, Pair.request(PROMPT, 1), id(), "kv_transfer_params: absent");
        refuses(prefill, leg(PROMPT, 1, decoding("tx-1", Json.object())), id(), "do_remote_decode: false");
        refuses(decode, leg(PROMPT, 1, asking("tx-1")), id(), "do_remote_prefill: false");
        refuses(prefill, leg(PROMPT, 1, asking("1")), id(), "transfer_id: \\\"1\\\"");
        refuses(prefill, leg(PROMPT, 1, asking("tx-1").put("remote_tp_size", 2)), id(), "remote_tp_size: 2");
        refuses(prefill, leg(PROMPT, 1, asking("tx-1").put("remote_dp_size", 2)), id(), "remote_dp_size: 2");
        refuses(prefill, leg(PROMPT, 1, asking("tx-1")), "plain", "x-request-id: plain");
        refuses(prefill, leg(PROMPT, 1, asking("tx-1")), id().replace("61005", "1"), "this engine's");
        refuses(prefill, leg(PROMPT, 1, asking("tx-1").put("x", 1)), id(), "x: unknown key");
        refuses(prefill, leg(PROMPT, 2, asking("tx-1")), id(), "max_tokens: 2");
        refuses(decode, leg(PROMPT, 12, decoding("tx-1", Json.object())), id(), "remote_block_ids: null");
        ObjectNode answered = prefilled(PROMPT, "tx-1");
        refuses(prefill, leg(PROMPT, 1, asking("tx-1")), id(), "transfer_id: used before: tx-1");
        refuses(decode, leg(OTHER, 12, decoding("tx-1", answered)), id(), "handed out for another prompt");
        refuses(decode, leg(OTHER, 12, decoding("tx-1", answered)), id(), "transfer_id: used before: tx-1");
    }

    @Test
    void registersWithItsModeAndSizes() {
        try (ZContext context = new ZContext()) {
            ZMQ.Socket router = context.createSocket(SocketType.ROUTER);
            router.setReceiveTimeOut(20_000);
            int port = router.bindToRandomPort("tcp://127.0.0.1");
            MoriioConfig config =
                    MoriioConfig.of(KvRole.PRODUCER, true).withRouter("127.0.0.1:" + port, Duration.ofMillis(5));
            try (SimulatedEngine engine = engine(config, true)) {
                assertThat(router.recv()).as("an identity of ZeroMQ's own").hasSize(5);
                assertThat(HexFormat.of().formatHex(router.recv()))
                        .startsWith("86a474797065a150ac687474705f61646472657373")
                        .contains(HexFormat.of().formatHex(zmq(engine).getBytes(StandardCharsets.UTF_8)))
                        .endsWith("a764705f73697a6501a774705f73697a6501ad7472616e736665725f6d6f6465a452454144");
            }
        }
    }

    @Test
    void readsAVllmCommandLine() {
        String config = "{\"kv_connector\":\"MoRIIOConnector\",\"kv_role\":\"kv_producer\","
                + "\"kv_connector_extra_config\":{\"proxy_ip\":\"10.0.0.9\",\"proxy_ping_port\":\"36367\","
                + "\"http_port\":\"8100\",\"handshake_port\":\"6301\",\"notify_port\":\"61005\",\"read_mode\":true}}";
        assertThat(KvTransfer.parse(config).config())
                .isEqualTo(new MoriioConfig(
                        KvRole.PRODUCER,
                        true,
                        "127.0.0.1",
                        6_301,
                        61_005,
                        "10.0.0.9:36367",
                        8_100,
                        Duration.ofSeconds(3),
                        Duration.ofSeconds(60),
                        0));
        assertThatThrownBy(() -> KvTransfer.parse(config.replace("kv_producer", "kv_both")))
                .isInstanceOf(UsageException.class)
                .hasMessageStartingWith("kv_role: kv_both");
    }
}
