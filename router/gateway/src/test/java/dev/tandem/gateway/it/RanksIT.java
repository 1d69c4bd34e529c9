// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.simulator.engine.EngineCounter;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.SeenRequest;
import dev.tandem.simulator.http.SimulatedEngine;
import dev.tandem.simulator.nixl.NixlConfig;
import dev.tandem.simulator.transfer.KvRole;
import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Workers with data parallel ranks: each rank is chosen, named in the header, and read from by the decode rank. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class RanksIT {
    private static final String PATH = "/v1/completions";
    private static final String RANK = "X-data-parallel-rank";

    @ParameterizedTest
    @EnumSource(NixlConfig.Mode.class)
    void everyRankOfBothSidesTakesPart(NixlConfig.Mode mode) throws IOException {
        SimulatedEngine prefill = SimulatedEngine.start(options(mode, KvRole.PRODUCER));
        SimulatedEngine decode = SimulatedEngine.start(options(mode, KvRole.CONSUMER));
        SimulatedEngine alone = SimulatedEngine.start(EngineOptions.of("tiny", 0));
        try (GatewayRig rig = start(mode, prefill, decode)) {
            Set<String> workers = new HashSet<>();
            for (int i = 0; i < 12; i++) {
                Answer answer = RawClient.post(rig.port(), PATH, ask(i), RANK + ": 7");

                assertThat(answer.status()).as("%s", answer).isEqualTo(200);
                assertThat(Streams.text(answer)).isEqualTo(Streams.text(RawClient.post(alone.port(), PATH, ask(i))));
                workers.add(answer.header("x-tandem-prefill"));
                workers.add(answer.header("x-tandem-decode"));
            }
            assertThat(workers).containsExactlyInAnyOrder("p@0", "p@1", "p@2", "d@0", "d@1");
            for (int rank = 0; rank < 3; rank++) {
                assertThat(prefill.stats(rank).count(EngineCounter.PROMPT_COMPUTED))
                        .isPositive();
            }
            assertThat(ranks(prefill)).containsOnly("0", "1", "2");
            assertThat(ranks(decode)).containsOnly("0", "1");
            assertThat(decode.stats(0).count(EngineCounter.PROMPT_COMPUTED)).isZero();
            assertThat(prefill.journal().violations()).isEmpty();
            assertThat(decode.journal().violations()).isEmpty();
            rig.assertNothingLeft();
            List.of(prefill, decode, alone).forEach(SimulatedEngine::close);
        }
    }

    private static GatewayRig start(NixlConfig.Mode mode, SimulatedEngine prefill, SimulatedEngine decode) {
        return GatewayRig.setup()
                .worker("p", prefill.baseUrl(), Role.PREFILL)
                .worker("d", decode.baseUrl(), Role.DECODE)
                .set("tandem.workers[0].data-parallel-size", "3")
                .set("tandem.workers[1].data-parallel-size", "2")
                .set("tandem.disagg.connector", mode == NixlConfig.Mode.PULL ? "nixl" : "nixl-push")
                .set("tandem.disagg.min-prompt-tokens", "16")
                .set("tandem.routing.prefill-policy", "round-robin")
                .set("tandem.routing.decode-policy", "round-robin")
                .start();
    }

    private static EngineOptions options(NixlConfig.Mode mode, KvRole role) {
        NixlConfig nixl = NixlConfig.of(role)
                .withMode(mode)
                .withSideChannel("127.0.0.1", 0)
                .withLease(Duration.ofSeconds(2));
        return EngineOptions.of("tiny", 0)
                .withConnector(mode == NixlConfig.Mode.PULL ? "NixlConnector" : "NixlPushConnector", nixl)
                .withDataParallel(role == KvRole.PRODUCER ? 3 : 2);
    }

    private static Set<String> ranks(SimulatedEngine engine) {
        Set<String> ranks = new HashSet<>();
        for (SeenRequest request : engine.journal().requests(PATH)) {
            ranks.add(request.header(RANK).orElse("none"));
        }
        return ranks;
    }

    private static String ask(int number) {
        return "{\"temperature\":0,\"max_tokens\":4,\"prompt\":\"request " + number + " " + "word ".repeat(60) + "\"}";
    }
}
