// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.simulator.engine.EngineCounter;
import dev.tandem.simulator.http.RawClient.Response;
import dev.tandem.simulator.nixl.NixlConfig;
import dev.tandem.simulator.transfer.KvRole;
import dev.tandem.simulator.wire.Json;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Prefill engines that push, and the decode engines that register there. */
class NixlPushTest {
    private static final String PROMPT = "the quick brown fox jumps over the lazy dog and runs away ".repeat(6);
    private static final String OTHER = "the quick brown fox jumps over the lazy cat and runs away ".repeat(6);
    private static final NixlConfig PUSH =
            NixlConfig.of(KvRole.BOTH).withSideChannel("127.0.0.1", 0).withMode(NixlConfig.Mode.PUSH);

    private final Dialogue router = new Dialogue();

    private static Pair pair(boolean strict) {
        return Pair.of(EngineOptions.of("m", 0)
                .withStrict(strict)
                .withExitDelay(Duration.ofHours(1))
                .withConnector("NixlPushConnector", PUSH));
    }

    private static ObjectNode params(Pair pair, String id) {
        return Json.object()
                .put("do_remote_prefill", true)
                .put("do_remote_decode", false)
                .put("remote_engine_id", pair.prefill.engineId())
                .put("remote_host", "127.0.0.1")
                .put("remote_port", pair.prefill.sideChannelPort())
                .put("tp_size", 1)
                .put("pp_size", 1)
                .put("remote_request_id", id);
    }

    private static ObjectNode decodeLeg(Pair pair, String prompt, String id) {
        return Pair.decodeLeg(prompt, params(pair, id));
    }

    @AfterEach
    void hangUp() throws IOException {
        router.close();
    }

    @Test
    void theLegsMeetInAnyOrder() throws IOException {
        try (Pair pair = pair(true)) {
            for (String prompt : List.of(PROMPT, "short", "one two three four five six seven ".repeat(40))) {
                String id = "decode-first-" + prompt.length();
                RawClient decode = router.begin(pair.decode, decodeLeg(pair, prompt, id), id);
                Dialogue.untilRegistered(pair.prefill);
                Response prefill = router.ask(pair.prefill, Pair.prefillLeg(prompt), id);
                assertThat(prefill.status()).as(prefill.body()).isEqualTo(200);
                assertThat(Pair.text(decode.read())).isEqualTo(Pair.alone(prompt));
                router.ask(pair.prefill, Pair.prefillLeg(prompt), id + "-again");
                Response second = router.ask(pair.decode, decodeLeg(pair, prompt, id + "-again"), id + "-again");
                assertThat(Pair.text(second)).isEqualTo(Pair.alone(prompt));
            }
            Waiting.until(() -> pair.prefill.stats().kept() == 0);
            assertThat(pair.decode.stats().count(EngineCounter.PROMPT_COMPUTED)).isZero();
            assertThat(pair.prefill.stats().count(EngineCounter.LATE_NOTICES)).isZero();
        }
    }

    @Test
    void thePrefillAnswerNamesTheModeAndTheParallelSizes() throws IOException {
        try (Pair pair = pair(true)) {
            JsonNode params = Pair.json(router.ask(pair.prefill, Pair.prefillLeg(PROMPT), "a"))
                    .get("kv_transfer_params");
            assertThat(params.get("transfer_mode").stringValue()).isEqualTo("push");
            assertThat(params.get("pp_size").asInt()).isEqualTo(1);
            assertThat(params.get("remote_engine_id").stringValue()).isEqualTo(pair.prefill.engineId());
            assertThat(params.get("remote_request_id").stringValue()).matches("cmpl-a-0-[0-9a-f]{8}");
        }
    }

    @Test
    void differentIdsNeverMeet() throws IOException {
        try (Pair pair = pair(false)) {
            RawClient decode = router.begin(pair.decode, decodeLeg(pair, PROMPT, "a"), "a");
            Dialogue.untilRegistered(pair.prefill);
            router.ask(pair.prefill, Pair.prefillLeg(PROMPT), "b");
            pair.nanos.addAndGet(Duration.ofSeconds(31).toNanos());
            Waiting.until(() -> pair.prefill.stats().kept() == 0);
            assertThat(pair.prefill.stats().count(EngineCounter.KV_EXPIRED)).isEqualTo(1);
            assertThat(pair.prefill.facts())
                    .containsEntry("kv_kept", 0L)
                    .containsEntry("kv_expired", 1L)
                    .containsEntry("decode_legs_waiting", 1L);
            pair.nanos.addAndGet(Duration.ofHours(1).toNanos());
            assertThat(pair.decode.stats().deferred()).isEqualTo(1);
            Dialogue.waits(decode);
        }
    }

    @Test
    void aDecodeLegThatComesAfterTheLeaseWaitsForEver() throws IOException {
        try (Pair pair = pair(false)) {
            router.ask(pair.prefill, Pair.prefillLeg(PROMPT), "a");
            pair.nanos.addAndGet(Duration.ofSeconds(31).toNanos());
            Waiting.until(() -> pair.prefill.stats().kept() == 0);
            RawClient decode = router.begin(pair.decode, decodeLeg(pair, PROMPT, "a"), "a");
            Dialogue.untilRegistered(pair.prefill);
            Dialogue.waits(decode);
        }
    }

    @Test
    void aStrictEngineRefusesADecodeLegAfterTheLease() throws IOException {
        try (Pair pair = pair(true)) {
            router.ask(pair.prefill, Pair.prefillLeg(PROMPT), "a");
            pair.nanos.addAndGet(Duration.ofSeconds(31).toNanos());
            Waiting.until(() -> pair.prefill.stats().kept() == 0);
            router.refuses(pair.decode, decodeLeg(pair, PROMPT, "a"), "a", "x-request-id: older than its lease");
        }
    }

    @Test
    void anotherPromptUnderTheSameIdGivesAnotherText() throws IOException {
        try (Pair pair = pair(false)) {
            router.ask(pair.prefill, Pair.prefillLeg(OTHER), "a");
            Response decoded = router.ask(pair.decode, decodeLeg(pair, PROMPT, "a"), "a");
            assertThat(decoded.status()).isEqualTo(200);
            assertThat(Pair.text(decoded)).isNotEqualTo(Pair.alone(PROMPT)).isNotEqualTo(Pair.alone(OTHER));
        }
    }

    @Test
    void aStrictEngineRefusesAnotherPromptWhicheverLegIsFirst() throws IOException {
        try (Pair pair = pair(true)) {
            router.ask(pair.prefill, Pair.prefillLeg(OTHER), "a");
            router.refuses(pair.decode, decodeLeg(pair, PROMPT, "a"), "a", "x-request-id: used on a prefill leg with");
            router.begin(pair.decode, decodeLeg(pair, PROMPT, "b"), "b");
            Dialogue.untilRegistered(pair.prefill);
            router.refuses(pair.prefill, Pair.prefillLeg(OTHER), "b", "x-request-id: used on a decode leg with");
        }
    }

    @Test
    void anIdServesOneLegOfEachKind() throws IOException {
        try (Pair pair = pair(true)) {
            router.ask(pair.prefill, Pair.prefillLeg(PROMPT), "a");
            router.refuses(pair.prefill, Pair.prefillLeg(PROMPT), "a", "x-request-id: used before on a prefill leg");
            assertThat(router.ask(pair.decode, decodeLeg(pair, PROMPT, "a"), "a")
                            .status())
                    .isEqualTo(200);
            router.refuses(pair.decode, decodeLeg(pair, PROMPT, "a"), "a", "x-request-id: used before on a decode leg");
        }
    }

    @Test
    void aPrefillEngineThatDiesLeavesTheDecodeLegWaiting() throws IOException {
        try (Pair pair = pair(true)) {
            RawClient decode = router.begin(pair.decode, decodeLeg(pair, PROMPT, "a"), "a");
            Dialogue.untilRegistered(pair.prefill);
            pair.prefill.restart();
            router.ask(pair.prefill, Pair.prefillLeg(PROMPT), "a");
            assertThat(router.ask(pair.decode, Pair.request(PROMPT, 3), "plain").status())
                    .isEqualTo(200);
            assertThat(pair.decode.stats().deferred()).isEqualTo(1);
            Dialogue.waits(decode);
            decode.close();
            Waiting.until(() -> pair.decode.stats().deferred() == 0);
            assertThat(pair.decode.stats().kvUsage()).isZero();
        }
    }

    @Test
    void aPrefillEngineThatCannotBeReachedIsAnInternalError() throws IOException {
        try (Pair pair = pair(true)) {
            ObjectNode leg = decodeLeg(pair, PROMPT, "a");
            pair.prefill.restart();
            assertThat(router.ask(pair.decode, leg, "a").status()).isEqualTo(500);
            assertThat(pair.decode.stats().count(EngineCounter.FAILED_TRANSFERS))
                    .isEqualTo(1);
        }
    }

    @Test
    void missingKeysEndTheEngine() throws IOException {
        for (String key : List.of("remote_engine_id", "remote_host", "remote_port", "tp_size")) {
            try (Pair pair = pair(false)) {
                ObjectNode params = params(pair, "a");
                params.remove(key);
                Response died = router.ask(pair.decode, Pair.decodeLeg(PROMPT, params), "a");
                assertThat(died.body()).as(key).contains("EngineCore encountered an issue");
            }
        }
    }

    @Test
    void aStrictEngineRefusesWhatDoesNotBelongToAPush() throws IOException {
        try (Pair pair = pair(true)) {
            ObjectNode noHost = params(pair, "a");
            noHost.remove("remote_host");
            router.refuses(pair.decode, Pair.decodeLeg(PROMPT, noHost), "a", "kv_transfer_params.remote_host: missing");
            ObjectNode blocks = params(pair, "a");
            blocks.putArray("remote_block_ids").addArray().add(1);
            router.refuses(
                    pair.decode, Pair.decodeLeg(PROMPT, blocks), "a", "kv_transfer_params.remote_block_ids: unknown");
            router.refuses(pair.decode, decodeLeg(pair, PROMPT, "a").put("n", 2), "a", "n: 2");
            router.refuses(pair.decode, decodeLeg(pair, PROMPT, "a"), "", "x-request-id: missing");
            router.refuses(pair.prefill, Pair.prefillLeg(PROMPT).put("max_tokens", 2), "a", "max_tokens: 2");
        }
    }

    @Test
    void pushAndPullNeverComeTogether() throws IOException {
        try (Pair pair = Pair.of(
                EngineOptions.of("m", 0).withStrict(false).withConnector("NixlPushConnector", PUSH),
                EngineOptions::withNixl)) {
            JsonNode params = Pair.json(router.ask(pair.prefill, Pair.prefillLeg(PROMPT), "a"))
                    .get("kv_transfer_params");
            assertThat(router.ask(pair.decode, Pair.decodeLeg(PROMPT, params), "a")
                            .status())
                    .isEqualTo(500);
        }
    }

    @Test
    void aClientThatLeavesThePrefillLegLeavesTheDecodeLegWaiting() throws IOException {
        try (Pair pair = pair(false)) {
            RawClient decode = router.begin(pair.decode, decodeLeg(pair, PROMPT, "a"), "a");
            Dialogue.untilRegistered(pair.prefill);
            pair.prefill.faults().add(Fault.of(Fault.Kind.STALL));
            RawClient prefill = router.begin(pair.prefill, Pair.prefillLeg(PROMPT), "a");
            Waiting.until(() -> pair.prefill.journal().received() == 1);
            prefill.close();
            assertThat(pair.prefill.stats().kept()).isZero();
            Dialogue.waits(decode);
        }
    }
}
