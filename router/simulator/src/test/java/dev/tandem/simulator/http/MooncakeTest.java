// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.simulator.engine.EngineCounter;
import dev.tandem.simulator.http.RawClient.Response;
import dev.tandem.simulator.mooncake.MooncakeConfig;
import dev.tandem.simulator.transfer.KvRole;
import dev.tandem.simulator.wire.Json;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Prefill engines with a bootstrap server, and the decode engines that find them by it. */
class MooncakeTest {
    private static final String PROMPT = "the quick brown fox jumps over the lazy dog and runs away ".repeat(6);
    private static final String OTHER = "the quick brown fox jumps over the lazy cat and runs away ".repeat(6);

    private final Dialogue router = new Dialogue();

    private static EngineOptions with(EngineOptions options, MooncakeConfig config) {
        return options.withConnector(MooncakeConfig.NAME, config.withBootstrap("127.0.0.1", 0));
    }

    private static Pair pair(boolean strict) {
        return pair(strict, MooncakeConfig.of(KvRole.PRODUCER));
    }

    private static Pair pair(boolean strict, MooncakeConfig producer) {
        EngineOptions options = EngineOptions.of("m", 0).withStrict(strict).withExitDelay(Duration.ofHours(1));
        return Pair.of(with(options, producer), same -> with(same, MooncakeConfig.of(KvRole.CONSUMER)));
    }

    private static ObjectNode prefillLeg(String prompt, String transfer) {
        return Dialogue.with(
                Pair.request(prompt, 1),
                Json.object()
                        .put("do_remote_decode", true)
                        .put("do_remote_prefill", false)
                        .put("transfer_id", transfer));
    }

    private static ObjectNode params(Pair pair, String transfer) {
        return Json.object()
                .put("do_remote_decode", false)
                .put("do_remote_prefill", true)
                .put("remote_bootstrap_addr", "http://127.0.0.1:" + pair.prefill.sideChannelPort())
                .put("remote_engine_id", pair.prefill.engineId())
                .put("transfer_id", transfer);
    }

    private static ObjectNode decodeLeg(Pair pair, String prompt, String transfer) {
        return Pair.decodeLeg(prompt, params(pair, transfer));
    }

    private static JsonNode query(Pair pair) throws IOException {
        try (RawClient client = new RawClient(pair.prefill.sideChannelPort())) {
            Response response =
                    client.send("GET /query HTTP/1.1\r\nHost: x\r\n\r\n").read();
            assertThat(response.status()).isEqualTo(200);
            return Json.MAPPER.readTree(response.body());
        }
    }

    @AfterEach
    void hangUp() throws IOException {
        router.close();
    }

    @Test
    void theLegsMeetInAnyOrder() throws IOException {
        try (Pair pair = pair(true)) {
            for (String prompt : List.of(PROMPT, "short")) {
                RawClient decode = router.begin(pair.decode, decodeLeg(pair, prompt, "first" + prompt.length()), "");
                Dialogue.untilRegistered(pair.prefill);
                Response prefill = router.ask(pair.prefill, prefillLeg(prompt, "first" + prompt.length()), "");
                assertThat(Pair.json(prefill).get("kv_transfer_params").isNull())
                        .isTrue();
                assertThat(Pair.text(decode.read())).isEqualTo(Pair.alone(prompt));
                router.ask(pair.prefill, prefillLeg(prompt, "second" + prompt.length()), "");
                Response second = router.ask(pair.decode, decodeLeg(pair, prompt, "second" + prompt.length()), "");
                assertThat(Pair.text(second)).isEqualTo(Pair.alone(prompt));
            }
            Waiting.until(() -> pair.prefill.stats().kept() == 0);
            assertThat(pair.decode.stats().count(EngineCounter.PROMPT_COMPUTED)).isZero();
        }
    }

    @Test
    void theBootstrapServerSaysNothingUntilTheWorkerHasRegistered() throws IOException {
        try (Pair pair = pair(true, MooncakeConfig.of(KvRole.PRODUCER).withEmptyQueries(2))) {
            assertThat(query(pair).isEmpty()).isTrue();
            assertThat(query(pair).isEmpty()).isTrue();
            JsonNode rank = query(pair).get("0");
            assertThat(rank.get("engine_id").stringValue()).isEqualTo(pair.prefill.engineId());
            assertThat(rank.at("/worker_addr/0/0").stringValue()).startsWith("tcp://127.0.0.1:");
            assertThat(pair.prefill.facts()).containsEntry("bootstrap_queries", 3L);
        }
    }

    @Test
    void aRestartChangesTheEngineIdAndOldParametersWaitForEver() throws IOException {
        try (Pair pair = pair(false)) {
            ObjectNode stale = decodeLeg(pair, PROMPT, "a");
            String before = query(pair).at("/0/engine_id").stringValue();
            pair.prefill.restart();
            assertThat(query(pair).at("/0/engine_id").stringValue()).isNotEqualTo(before);
            RawClient decode = router.begin(pair.decode, stale, "");
            Waiting.until(() -> pair.decode.stats().deferred() == 1);
            router.ask(pair.prefill, prefillLeg(PROMPT, "a"), "");
            Response fresh = router.ask(pair.decode, decodeLeg(pair, PROMPT, "a"), "");
            assertThat(Pair.text(fresh)).isEqualTo(Pair.alone(PROMPT));
            Dialogue.waits(decode);
        }
    }

    @Test
    void aStopTokenOnTheFirstPositionHandsNothingOver() throws IOException {
        try (Pair pair = pair(false)) {
            Response first = router.ask(pair.prefill, Pair.request(PROMPT, 1).put("return_token_ids", true), "");
            int token = Pair.json(first).at("/choices/0/token_ids/0").asInt();
            ObjectNode leg = prefillLeg(PROMPT, "a");
            leg.putArray("stop_token_ids").add(token);
            RawClient decode = router.begin(pair.decode, decodeLeg(pair, PROMPT, "a"), "");
            Dialogue.untilRegistered(pair.prefill);
            Response stopped = router.ask(pair.prefill, leg, "");
            assertThat(Pair.json(stopped).at("/choices/0/finish_reason").stringValue())
                    .isEqualTo("stop");
            assertThat(pair.prefill.stats().kept()).isZero();
            assertThat(pair.prefill.stats().kvUsage()).isZero();
            Dialogue.waits(decode);
        }
    }

    @Test
    void whatNobodyFetchesIsKeptForEightMinutes() throws IOException {
        try (Pair pair = pair(false)) {
            router.ask(pair.prefill, prefillLeg(PROMPT, "a"), "");
            pair.nanos.addAndGet(Duration.ofSeconds(479).toNanos());
            assertThat(pair.prefill.stats().kept()).isEqualTo(1);
            pair.nanos.addAndGet(Duration.ofSeconds(2).toNanos());
            Waiting.until(() -> pair.prefill.stats().kept() == 0);
            assertThat(pair.prefill.stats().count(EngineCounter.KV_EXPIRED)).isEqualTo(1);
            RawClient decode = router.begin(pair.decode, decodeLeg(pair, PROMPT, "a"), "");
            Dialogue.untilRegistered(pair.prefill);
            Dialogue.waits(decode);
        }
    }

    @Test
    void aDecodeLegThatLeavesLetsThePrefillEngineGiveTheBlocksBack() throws IOException {
        try (Pair pair = pair(false)) {
            RawClient decode = router.begin(pair.decode, decodeLeg(pair, PROMPT, "a"), "");
            Dialogue.untilRegistered(pair.prefill);
            decode.close();
            Waiting.until(() -> pair.prefill.facts().getOrDefault("decode_legs_waiting", 1L) == 0);
            router.ask(pair.prefill, prefillLeg(PROMPT, "a"), "");
            Waiting.until(() -> pair.prefill.stats().kept() == 0);
            assertThat(pair.prefill.stats().count(EngineCounter.KV_EXPIRED)).isZero();
        }
    }

    @Test
    void crossedLegsKillTheEngine() throws IOException {
        try (Pair pair = pair(false)) {
            Response producer = router.ask(pair.prefill, decodeLeg(pair, PROMPT, "a"), "");
            assertThat(producer.body()).contains("EngineCore encountered an issue");
            Response consumer = router.ask(pair.decode, prefillLeg(PROMPT, "a"), "");
            assertThat(consumer.body()).contains("EngineCore encountered an issue");
        }
    }

    @Test
    void anotherPromptUnderTheSameIdGivesAnotherText() throws IOException {
        try (Pair pair = pair(false)) {
            router.ask(pair.prefill, prefillLeg(OTHER, "a"), "");
            Response decoded = router.ask(pair.decode, decodeLeg(pair, PROMPT, "a"), "");
            assertThat(decoded.status()).isEqualTo(200);
            assertThat(Pair.text(decoded)).isNotEqualTo(Pair.alone(PROMPT));
        }
    }

    @Test
    void parametersThatMissSomethingWaitForEver() throws IOException {
        try (Pair pair = pair(false)) {
            router.ask(pair.prefill, prefillLeg(PROMPT, "a"), "");
            for (String key : List.of("remote_bootstrap_addr", "remote_engine_id", "transfer_id")) {
                ObjectNode params = params(pair, "a");
                params.remove(key);
                try (RawClient decode = router.begin(pair.decode, Pair.decodeLeg(PROMPT, params), "")) {
                    Waiting.until(() -> pair.decode.stats().deferred() == 1);
                    Dialogue.waits(decode);
                }
                Waiting.until(() -> pair.decode.stats().deferred() == 0);
            }
            assertThat(pair.prefill.stats().kept()).isEqualTo(1);
        }
    }

    @Test
    void aStrictEngineRefusesWhatARouterNeverSends() throws IOException {
        try (Pair pair = pair(true)) {
            router.refuses(
                    pair.decode, prefillLeg(PROMPT, "a"), "", "kv_transfer_params.do_remote_decode: true on a decode");
            router.refuses(
                    pair.prefill,
                    decodeLeg(pair, PROMPT, "a"),
                    "",
                    "kv_transfer_params.do_remote_prefill: true on a prefill");
            router.refuses(pair.prefill, prefillLeg(PROMPT, "a").put("stream", true), "", "stream: true");
            ObjectNode noTransfer = params(pair, "a");
            noTransfer.remove("transfer_id");
            router.refuses(
                    pair.decode, Pair.decodeLeg(PROMPT, noTransfer), "", "kv_transfer_params.transfer_id: missing");
            router.refuses(
                    pair.decode,
                    Pair.decodeLeg(PROMPT, params(pair, "a").put("remote_bootstrap_addr", "127.0.0.1:8998")),
                    "",
                    "kv_transfer_params.remote_bootstrap_addr");
            router.ask(pair.prefill, prefillLeg(PROMPT, "a"), "");
            router.refuses(
                    pair.prefill, prefillLeg(PROMPT, "a"), "", "kv_transfer_params.transfer_id: used before on a");
            router.refuses(
                    pair.decode, decodeLeg(pair, OTHER, "a"), "", "kv_transfer_params.transfer_id: used on a prefill");
            router.ask(pair.decode, decodeLeg(pair, PROMPT, "a"), "");
            router.refuses(
                    pair.decode, decodeLeg(pair, PROMPT, "a"), "", "kv_transfer_params.transfer_id: used before on a");
        }
    }
}
