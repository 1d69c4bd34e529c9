// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.SimulatedEngine;
import dev.tandem.simulator.nixl.NixlConfig;
import dev.tandem.simulator.transfer.KvRole;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;

/**
 * A strict simulated pair with NIXL behind the gateway, found by {@code auto}: the text is that of one engine, the
 * blocks move, none stay, and nothing was sent that a correct router does not send.
 */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class SimulatedPairIT {
    private static final String PATH = "/v1/completions";

    private SimulatedEngine prefill;
    private SimulatedEngine decode;
    private SimulatedEngine alone;
    private GatewayRig rig;

    @BeforeAll
    void start() {
        NixlConfig nixl =
                NixlConfig.of(KvRole.BOTH).withSideChannel("127.0.0.1", 0).withLease(Duration.ofSeconds(2));
        prefill = SimulatedEngine.start(EngineOptions.of("tiny", 0).withNixl(nixl));
        decode = SimulatedEngine.start(EngineOptions.of("tiny", 0).withNixl(nixl));
        alone = SimulatedEngine.start(EngineOptions.of("tiny", 0));
        rig = GatewayRig.setup()
                .worker("p1", prefill.baseUrl(), Role.PREFILL)
                .worker("d1", decode.baseUrl(), Role.DECODE)
                .set("tandem.disagg.connector", "auto")
                .set("tandem.disagg.min-prompt-tokens", "16")
                .start();
    }

    @AfterAll
    void stop() {
        List.of(prefill, decode, alone).forEach(SimulatedEngine::close);
        rig.close();
    }

    @AfterEach
    void nothingIsLeft() {
        rig.assertNothingLeft();
        assertThat(prefill.journal().violations()).isEmpty();
        assertThat(decode.journal().violations()).isEmpty();
    }

    private static String ask(int number, boolean streaming) {
        SplittableRandom random = new SplittableRandom(number);
        StringBuilder prompt = new StringBuilder("request " + number);
        for (int i = 20 + random.nextInt(120); i > 0; i--) {
            prompt.append(" word").append(random.nextInt(50));
        }
        return "{\"model\":\"tiny\",\"temperature\":0,\"max_tokens\":" + (1 + random.nextInt(12)) + ",\"stream\":"
                + streaming + ",\"prompt\":\"" + prompt + "\"}";
    }

    private static double metric(SimulatedEngine engine, String name) throws IOException {
        return RawClient.get(engine.port(), "/metrics")
                .text()
                .lines()
                .filter(line -> line.startsWith(name))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    @Test
    void twoHundredRequestsReadAsFromOneEngine() throws Exception {
        double moved = metric(
                decode,
                "vllm:prompt_tokens_by_source_total{engine=\"0\",model_name=\"tiny\","
                        + "source=\"external_kv_transfer\"}");
        try (ExecutorService clients = Executors.newFixedThreadPool(8)) {
            List<Future<Answer>> paired = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                String ask = ask(i, i % 2 == 0);
                paired.add(clients.submit(() -> RawClient.post(rig.port(), PATH, ask)));
            }
            for (int i = 0; i < 200; i++) {
                Answer answer = paired.get(i).get();
                Answer whole = RawClient.post(alone.port(), PATH, ask(i, i % 2 == 0));
                assertThat(answer.status()).as("%s", answer).isEqualTo(200);
                assertThat(Streams.text(answer)).as("request %d", i).isEqualTo(Streams.text(whole));
                assertThat(answer.header("x-tandem-prefill")).isEqualTo("p1");
            }
        }
        assertThat(metric(
                        decode,
                        "vllm:prompt_tokens_by_source_total{engine=\"0\",model_name=\"tiny\","
                                + "source=\"external_kv_transfer\"}"))
                .isGreaterThan(moved);
        assertBlocksGivenBack();
    }

    @Test
    void clientsThatLeaveAnywhereLeaveNoBlocks() throws IOException {
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < 50; i++) {
            try (RawClient client = RawClient.open(rig.port())) {
                client.send(PATH, ask(1_000 + i, true));
                if (random.nextBoolean()) {
                    client.head();
                }
            }
        }
        rig.assertNothingLeft();
        assertBlocksGivenBack();
    }

    private void assertBlocksGivenBack() {
        Poll.until(() -> "blocks held by prefill: " + prefill.stats().kvUsage(), () -> {
            try {
                return metric(prefill, "vllm:kv_cache_usage_perc") == 0;
            } catch (IOException gone) {
                return false;
            }
        });
    }
}
