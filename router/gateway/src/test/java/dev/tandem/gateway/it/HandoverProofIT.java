// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.gateway.telemetry.RecomputeLog;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.SimulatedEngine;
import dev.tandem.simulator.nixl.NixlConfig;
import dev.tandem.simulator.transfer.KvRole;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** Whether KV caches move is seen from outside the engines, by what they count; the answers are the same. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class HandoverProofIT {
    private static final String PATH = "/v1/completions";
    private static final String RATIO = "tandem_handover_effective_ratio";
    private static final String PAIR = "pair=\"p1>d1\"";
    private static final int REQUESTS = 5;

    private final Logger logger = (Logger) LoggerFactory.getLogger(RecomputeLog.class);
    private final ListAppender<ILoggingEvent> warnings = new ListAppender<>();
    private List<SimulatedEngine> engines = List.of();
    private @Nullable GatewayRig started;

    @AfterEach
    void stop() {
        engines.forEach(SimulatedEngine::close); // before the event loops, which go with the gateway
        rig().close();
        logger.detachAppender(warnings);
    }

    @Test
    void aSharedStoreIsProvedByEveryAnswerThatShowsItsUsage(@TempDir Path store) throws IOException {
        start("shared-cache", false, options().withStore(store), options().withStore(store));
        askAll();
        await("shared-cache", REQUESTS - 1);

        assertThat(ratio("shared-cache", "sum")).isEqualTo(REQUESTS - 1);
        assertThat(warnings.list).isEmpty();
    }

    @Test
    void twoStoresThatAreNotOneShowAndAreWarnedOfOnce(@TempDir Path one, @TempDir Path other) throws IOException {
        start("shared-cache", false, options().withStore(one), options().withStore(other));
        askAll();
        await("shared-cache", REQUESTS - 1);

        assertThat(ratio("shared-cache", "sum")).isZero();
        assertThat(warnings.list)
                .singleElement()
                .satisfies(line -> assertThat(line.getFormattedMessage())
                        .contains("prefill=p1 decode=d1 connector=shared-cache found=0 "));
    }

    /** NIXL's decode engines show what prefill had cached, so only the trial of the pair can tell. */
    @Test
    void aNixlPairIsProvedByItsTrial() throws IOException {
        NixlConfig nixl = NixlConfig.of(KvRole.BOTH).withSideChannel("127.0.0.1", 0);
        start("nixl", true, options().withNixl(nixl), options().withNixl(nixl));
        await("nixl", 1);
        askAll();

        assertThat(ratio("nixl", "count")).isEqualTo(1);
        assertThat(ratio("nixl", "sum")).isEqualTo(1);
    }

    @Test
    void aNixlEngineThatComputesWhatItWasHandedOverIsFoundOutByItsCounters() throws IOException {
        String offer = "{\"choices\":[{\"text\":\"a\"}],\"usage\":{\"prompt_tokens\":700},\"kv_transfer_params\":{"
                + "\"do_remote_prefill\":true,\"do_remote_decode\":false,\"remote_block_ids\":[[1]],"
                + "\"remote_engine_id\":\"e\",\"remote_request_id\":\"r\",\"remote_host\":\"127.0.0.1\","
                + "\"remote_port\":5600,\"remote_prefill_cached_tokens\":0}}";
        try (RawEngine prefill = RawEngine.start("tiny");
                RawEngine decode = RawEngine.start("tiny").metrics(counters(5_000, 3_000))) {
            prefill.on((request, wire) -> wire.json(
                    200,
                    request.text().contains("\"do_remote_decode\":true") ? offer : "{\"choices\":[{\"text\":\"b\"}]}"));
            decode.on((request, wire) -> {
                decode.metrics(counters(5_700, 3_000));
                wire.json(
                        200,
                        "{\"choices\":[{\"text\":\"b\"}],\"usage\":{\"prompt_tokens\":700,"
                                + "\"prompt_tokens_details\":{\"cached_tokens\":0}}}");
            });
            started = setup("nixl", true, prefill.url(), decode.url()).start();
            await("nixl", 1);

            assertThat(ratio("nixl", "sum")).isZero();
            Poll.until(
                    () -> "trials: " + rig().metric("tandem_canary_trials_total"),
                    () -> rig().metric("tandem_canary_trials_total", "finding=\"equal\"") == 1);
        }
    }

    private static String counters(int prompt, int handedOver) {
        return "# TYPE vllm:prompt_tokens_total counter\n"
                + "vllm:prompt_tokens_total{engine=\"0\",model_name=\"tiny\"} " + prompt + ".0\n"
                + "vllm:prompt_tokens_by_source_total{engine=\"0\",model_name=\"tiny\",source=\"external_kv_transfer\"} "
                + handedOver + ".0\n";
    }

    private static EngineOptions options() {
        return EngineOptions.of("tiny", 0);
    }

    private void start(String connector, boolean canary, EngineOptions prefill, EngineOptions decode) {
        engines = List.of(SimulatedEngine.start(prefill), SimulatedEngine.start(decode));
        started = setup(
                        connector,
                        canary,
                        engines.getFirst().baseUrl(),
                        engines.getLast().baseUrl())
                .start();
        warnings.start();
        logger.addAppender(warnings); // the start of the gateway has set up logging anew
    }

    private static GatewayRig.Setup setup(String connector, boolean canary, URI prefill, URI decode) {
        return GatewayRig.setup()
                .worker("p1", prefill, Role.PREFILL)
                .worker("d1", decode, Role.DECODE)
                .set("tandem.disagg.connector", connector)
                .set("tandem.disagg.canary.enabled", Boolean.toString(canary));
    }

    /** All answers show their usage but the last one, a stream whose client did not ask for it. */
    private void askAll() throws IOException {
        for (int i = 1; i <= REQUESTS; i++) {
            String ask = "{\"model\":\"tiny\",\"max_tokens\":3,\"temperature\":0,\"stream\":" + (i == REQUESTS)
                    + ",\"prompt\":\"request " + i + " " + "word ".repeat(1_000) + "\"}";
            Answer answer = RawClient.post(rig().port(), PATH, ask);
            assertThat(answer.status()).as("%s", answer).isEqualTo(200);
            assertThat(answer.header("x-tandem-prefill")).isEqualTo("p1");
        }
        rig().assertNothingLeft();
    }

    private GatewayRig rig() {
        return Objects.requireNonNull(started, "the gateway");
    }

    private double ratio(String connector, String part) {
        return rig().metric(RATIO + "_" + part, "connector=\"" + connector + "\"", PAIR);
    }

    private void await(String connector, int proofs) {
        Poll.until(() -> "proofs: " + ratio(connector, "count"), () -> ratio(connector, "count") >= proofs);
    }
}
