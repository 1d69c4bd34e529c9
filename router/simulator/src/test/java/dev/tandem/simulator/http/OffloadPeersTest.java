// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.simulator.engine.EngineCounter;
import dev.tandem.simulator.http.RawClient.Response;
import dev.tandem.simulator.offload.OffloadConfig;
import dev.tandem.simulator.wire.Json;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.ObjectNode;

/** Engines that take blocks out of each other's offloaded memory. */
class OffloadPeersTest {
    private static final String PROMPT = "the quick brown fox jumps over the lazy dog and runs away ".repeat(6);
    private static final String OTHER = "the quick brown fox jumps over the lazy cat and runs away ".repeat(6);

    private final Dialogue router = new Dialogue();

    private static EngineOptions options(boolean strict, String seed) {
        return EngineOptions.of("m", 0)
                .withStrict(strict)
                .withExitDelay(Duration.ofHours(1))
                .withConnector(OffloadConfig.NAME, OffloadConfig.of("127.0.0.1", 0, seed));
    }

    private static Pair pair(boolean strict) {
        return Pair.of(options(strict, "0"));
    }

    private static ObjectNode peer(SimulatedEngine engine, String id) {
        return Json.object()
                .put("kv_request_id", id)
                .put("remote_host", "127.0.0.1")
                .put("remote_port", engine.sideChannelPort());
    }

    private static ObjectNode role(String name, ObjectNode peer) {
        ObjectNode params = Json.object();
        params.set(name, peer);
        return params;
    }

    private static ObjectNode prefillLeg(String prompt, String id) {
        return Dialogue.with(
                Pair.request(prompt, 1), role("remote_decoder", Json.object().put("kv_request_id", id)));
    }

    private static ObjectNode decodeLeg(Pair pair, String prompt, String id) {
        return Pair.decodeLeg(prompt, role("remote_prefiller", peer(pair.prefill, id)));
    }

    private static ObjectNode pull(Pair pair, String prompt) {
        return Pair.decodeLeg(prompt, role("remote_kv_source", peer(pair.prefill, "pull")));
    }

    @AfterEach
    void hangUp() throws IOException {
        router.close();
    }

    @Test
    void theLegsMeetInAnyOrder() throws IOException {
        try (Pair pair = pair(true)) {
            int last = 0;
            for (String prompt : new String[] {PROMPT, "short", " hello".repeat(33)}) {
                String id = "first" + last++;
                RawClient decode = router.begin(pair.decode, decodeLeg(pair, prompt, id), "");
                Dialogue.untilRegistered(pair.prefill);
                assertThat(router.ask(pair.prefill, prefillLeg(prompt, id), "").status())
                        .isEqualTo(200);
                assertThat(Pair.text(decode.read())).isEqualTo(Pair.alone(prompt));
            }
            router.ask(pair.prefill, prefillLeg(OTHER, "second"), "");
            Response second = router.ask(pair.decode, decodeLeg(pair, OTHER, "second"), "");
            assertThat(Pair.text(second)).isEqualTo(Pair.alone(OTHER));
            Waiting.until(() -> pair.prefill.stats().kept() == 0);
            assertThat(pair.decode.stats().count(EngineCounter.EXTERNAL_HITS)).isPositive();
        }
    }

    @Test
    void onlyTheEndOfThePromptIsComputed() throws IOException {
        try (Pair pair = pair(true)) {
            router.ask(pair.prefill, prefillLeg(PROMPT, "a"), "");
            router.ask(pair.decode, decodeLeg(pair, PROMPT, "a"), "");
            assertThat(pair.decode.stats().count(EngineCounter.PROMPT_COMPUTED)).isBetween(1L, 16L);
            assertThat(pair.decode.stats().count(EngineCounter.PROMPT_EXTERNAL)).isPositive();
        }
    }

    @Test
    void aDecodeLegComputesWhatDoesNotComeInTime() throws IOException {
        try (Pair pair = pair(false)) {
            RawClient decode = router.begin(pair.decode, decodeLeg(pair, PROMPT, "a"), "");
            Dialogue.untilRegistered(pair.prefill);
            Waiting.until(() -> pair.decode.stats().deferred() == 1);
            pair.nanos.addAndGet(Duration.ofSeconds(29).toNanos());
            assertThat(pair.decode.stats().deferred()).isEqualTo(1);
            pair.nanos.addAndGet(Duration.ofSeconds(2).toNanos());
            Waiting.until(() -> pair.decode.stats().deferred() == 0);
            assertThat(Pair.text(decode.read())).isEqualTo(Pair.alone(PROMPT));
            assertThat(pair.decode.stats().count(EngineCounter.FAILED_TRANSFERS))
                    .isEqualTo(1);
            assertThat(pair.decode.stats().count(EngineCounter.EXTERNAL_HITS)).isZero();
        }
    }

    @Test
    void aDecodeLegComputesWhatItCannotReach() throws IOException {
        try (Pair pair = pair(true)) {
            ObjectNode leg = decodeLeg(pair, PROMPT, "a");
            pair.prefill.crash();
            assertThat(Pair.text(router.ask(pair.decode, leg, ""))).isEqualTo(Pair.alone(PROMPT));
        }
    }

    @Test
    void aPrefillEngineThatDiesMeanwhileIsNoFailure() throws IOException {
        try (Pair pair = pair(true)) {
            RawClient decode = router.begin(pair.decode, decodeLeg(pair, PROMPT, "a"), "");
            Dialogue.untilRegistered(pair.prefill);
            pair.prefill.crash();
            assertThat(Pair.text(decode.read())).isEqualTo(Pair.alone(PROMPT));
        }
    }

    @Test
    void anotherHashSeedIsAnotherWorld() throws IOException {
        try (Pair pair = Pair.of(options(true, "0"), same -> options(true, "1"))) {
            router.ask(pair.prefill, prefillLeg(PROMPT, "a"), "");
            assertThat(Pair.text(router.ask(pair.decode, decodeLeg(pair, PROMPT, "a"), "")))
                    .isEqualTo(Pair.alone(PROMPT));
            assertThat(pair.decode.stats().count(EngineCounter.EXTERNAL_HITS)).isZero();
        }
    }

    @Test
    void blocksThatNobodyAsksForAreReapedAfterAMinute() throws IOException {
        try (Pair pair = pair(false)) {
            router.ask(pair.prefill, prefillLeg(PROMPT, "a"), "");
            pair.nanos.addAndGet(Duration.ofSeconds(59).toNanos());
            assertThat(pair.prefill.stats().kept()).isEqualTo(1);
            pair.nanos.addAndGet(Duration.ofSeconds(2).toNanos());
            Waiting.until(() -> pair.prefill.stats().kept() == 0);
            assertThat(pair.prefill.stats().count(EngineCounter.KV_EXPIRED)).isEqualTo(1);
        }
    }

    @Test
    void anotherPromptUnderTheSameIdGivesAnotherText() throws IOException {
        try (Pair pair = pair(false)) {
            router.ask(pair.prefill, prefillLeg(OTHER, "a"), "");
            assertThat(Pair.text(router.ask(pair.decode, decodeLeg(pair, PROMPT, "a"), "")))
                    .isNotEqualTo(Pair.alone(PROMPT));
        }
    }

    @Test
    void aPullTakesWhatTheSourceHas() throws IOException {
        try (Pair pair = pair(true)) {
            router.ask(pair.prefill, Pair.request(PROMPT, 1), "");
            assertThat(Pair.text(router.ask(pair.decode, pull(pair, PROMPT + "and more"), "")))
                    .isEqualTo(Pair.alone(PROMPT + "and more"));
            long hits = pair.decode.stats().count(EngineCounter.EXTERNAL_HITS);
            assertThat(hits).isPositive();
            assertThat(Pair.text(router.ask(pair.decode, pull(pair, "nobody knows this prompt, of " + PROMPT), "")))
                    .isEqualTo(Pair.alone("nobody knows this prompt, of " + PROMPT));
            assertThat(pair.decode.stats().count(EngineCounter.EXTERNAL_HITS)).isEqualTo(hits);
            assertThat(pair.decode.stats().count(EngineCounter.FAILED_TRANSFERS))
                    .isZero();
        }
    }

    @Test
    void aPrefillLegMayPullFirst() throws IOException {
        try (Pair pair = pair(true);
                SimulatedEngine third = SimulatedEngine.start(options(true, "0"))) {
            router.ask(third, Pair.request(PROMPT, 1), "");
            ObjectNode leg = prefillLeg(PROMPT, "a");
            ((ObjectNode) leg.get("kv_transfer_params")).set("remote_kv_source", peer(third, "a"));
            assertThat(router.ask(pair.prefill, leg, "").status()).isEqualTo(200);
            assertThat(pair.prefill.stats().count(EngineCounter.EXTERNAL_HITS)).isPositive();
            assertThat(pair.prefill.stats().kept()).isEqualTo(1);
            assertThat(Pair.text(router.ask(pair.decode, decodeLeg(pair, PROMPT, "a"), "")))
                    .isEqualTo(Pair.alone(PROMPT));
        }
    }

    @Test
    void forbiddenRolesKillTheEngine() throws IOException {
        try (Pair pair = pair(false)) {
            ObjectNode leg = decodeLeg(pair, PROMPT, "a");
            ((ObjectNode) leg.get("kv_transfer_params")).set("remote_kv_source", peer(pair.prefill, "a"));
            assertThat(router.ask(pair.decode, leg, "").body()).contains("EngineCore encountered an issue");
        }
    }

    @Test
    void aStrictEngineRefusesWhatARouterNeverSends() throws IOException {
        try (Pair pair = pair(true)) {
            ObjectNode both = decodeLeg(pair, PROMPT, "a");
            ((ObjectNode) both.get("kv_transfer_params")).set("remote_kv_source", peer(pair.prefill, "a"));
            router.refuses(pair.decode, both, "", "kv_transfer_params: remote_prefiller: together with another");
            ObjectNode peer = peer(pair.prefill, "a");
            peer.remove("remote_port");
            router.refuses(
                    pair.decode,
                    Pair.decodeLeg(PROMPT, role("remote_prefiller", peer)),
                    "",
                    "kv_transfer_params: remote_prefiller.remote_port: missing");
            router.refuses(
                    pair.decode, Pair.decodeLeg(PROMPT, role("p2p", peer)), "", "kv_transfer_params.p2p: unknown key");
            router.refuses(pair.prefill, prefillLeg(PROMPT, "a").put("stream", true), "", "stream: true");
            router.ask(pair.prefill, prefillLeg(PROMPT, "a"), "");
            router.refuses(
                    pair.prefill, prefillLeg(PROMPT, "a"), "", "kv_transfer_params.kv_request_id: used before on a p");
            router.refuses(
                    pair.decode, decodeLeg(pair, OTHER, "a"), "", "kv_transfer_params.kv_request_id: used on a pre");
        }
    }

    @Test
    void theTierIsReadFromTheCommandLineAndNeedsAHashSeed() {
        String config =
                "{\"kv_connector\":\"OffloadingConnector\",\"kv_role\":\"kv_both\",\"kv_connector_extra_config\":"
                        + "{\"secondary_tiers\":[{\"type\":\"p2p\",\"host\":\"127.0.0.1\",\"port\":0}]}}";
        EngineOptions options = EngineOptions.parse("m", "--kv-transfer-config", config);
        assertThatThrownBy(() -> options.withEnvironment(Map.of()))
                .isInstanceOf(UsageException.class)
                .hasMessageContaining("PYTHONHASHSEED");
        EngineOptions seeded = options.withEnvironment(Map.of("PYTHONHASHSEED", "0"));
        assertThat(seeded.transfer()).extracting(KvTransfer::config).isEqualTo(OffloadConfig.of("127.0.0.1", 0, "0"));
    }
}
