// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.simulator.engine.EngineCounter;
import dev.tandem.simulator.nixl.NixlConfig;
import dev.tandem.simulator.p2pnccl.P2pNcclConfig;
import dev.tandem.simulator.transfer.KvRole;
import dev.tandem.simulator.wire.Json;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Several engines behind one server, as with {@code --data-parallel-size}. */
class RanksTest {
    private static final NixlConfig NIXL =
            NixlConfig.of(KvRole.BOTH).withSideChannel("127.0.0.1", 0).withEngineId("e");

    private static SimulatedEngine start(boolean strict) {
        return SimulatedEngine.start(
                EngineOptions.of("tiny", 0).withStrict(strict).withNixl(NIXL).withDataParallel(3));
    }

    private static int ask(SimulatedEngine engine, String header) throws IOException {
        String body = Json.text(Pair.request("hello", 2));
        try (RawClient client = new RawClient(engine.port())) {
            return client.send(RawClient.post(Pair.PATH, body, header)).read().status();
        }
    }

    private static List<Long> prompts(SimulatedEngine engine) {
        return List.of(0, 1, 2).stream()
                .map(rank -> engine.stats(rank).count(EngineCounter.PROMPT_COMPUTED))
                .toList();
    }

    @Test
    void theHeaderChoosesTheRank() throws IOException {
        try (SimulatedEngine engine = start(true)) {
            assertThat(ask(engine, "x-data-parallel-rank: 2\r\n")).isEqualTo(200);
            assertThat(prompts(engine).get(0) + prompts(engine).get(1)).isZero();
            assertThat(prompts(engine).get(2)).isPositive();
            assertThat(ask(engine, "X-Data-Parallel-Rank: 3\r\n")).isEqualTo(400);
            assertThat(engine.journal().violations()).isEmpty();
        }
    }

    @Test
    void withoutTheHeaderRanksTakeTurnsAndAStrictServerRefuses() throws IOException {
        try (SimulatedEngine engine = start(false)) {
            for (int i = 0; i < 3; i++) {
                assertThat(ask(engine, "")).isEqualTo(200);
            }
            assertThat(prompts(engine)).allMatch(count -> count > 0);
        }
        try (SimulatedEngine engine = start(true)) {
            assertThat(ask(engine, "")).isEqualTo(400);
            assertThat(engine.journal().violations()).hasSize(1);
        }
    }

    @Test
    void ranksHaveIdsOfTheirOwn() {
        try (SimulatedEngine engine = start(true)) {
            assertThat(engine.engineId()).isEqualTo("e_dp0");
            engine.restart();
            assertThat(engine.engineId()).isEqualTo("e_dp0");
        }
    }

    @Test
    void aConnectorWhoseRanksAreUnknownDoesNotStart() {
        EngineOptions options = EngineOptions.of("tiny", 0)
                .withP2pNccl(P2pNcclConfig.of(KvRole.PRODUCER))
                .withDataParallel(2);

        assertThatThrownBy(() -> SimulatedEngine.start(options))
                .isInstanceOf(UsageException.class)
                .hasMessageContaining("--data-parallel-size");
    }
}
