// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.code_intelligence.jazzer.mutation.annotation.NotNull;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** What engines say of themselves, on bytes that nobody has thought of. */
class EngineFuzzTest {
    private static final Worker WORKER = new Worker("w1", URI.create("http://10.0.0.1:8000"), Role.UNIFIED);

    private static final List<Integer> RANKS = List.of(Worker.ONLY, 0, 7);

    /** A search looks at one of them with each text, so that it gets through more texts. */
    private static final boolean SEARCHING = System.getenv("JAZZER_FUZZ") != null;

    @FuzzTest(maxDuration = "2m")
    void anyBytesAreModelsOrAFailure(byte @NotNull [] body) {
        try {
            ModelList models = ModelList.read(body);
            assertThat(models.names()).isNotEmpty();
            assertThat(models.contextTokens()).isNotNegative();
        } catch (ProbeFailure e) {
            assertThat(e.getMessage()).isNotEmpty();
        }
    }

    @FuzzTest(maxDuration = "2m")
    void anyBytesAreServerInfoOrNone(byte @NotNull [] body) {
        ServerInfo.read(WORKER, body)
                .ifPresent(spoken -> assertThat(spoken.toString()).doesNotContain("\n"));
    }

    @FuzzTest(maxDuration = "2m")
    void anyTextIsMetricsOrNone(byte @NotNull [] body) {
        String text = new String(body, StandardCharsets.UTF_8);
        EngineMetrics.read(text)
                .ifPresent(spoken -> assertThat(spoken.toString()).isNotEmpty());
        EngineCounters.counts(text).ifPresent(counts -> assertThat(counts).isNotNull());
        LoadMetrics load = new LoadMetrics(text);
        for (int rank : SEARCHING ? List.of(RANKS.get(body.length % RANKS.size())) : RANKS) {
            load.of(rank).ifPresent(said -> assertThat(said.kvUsage()).isBetween(0.0, 1.0));
            load.done(rank).ifPresent(done -> assertThat(done).isNotNegative());
        }
    }

    @FuzzTest(maxDuration = "2m")
    void anyAnswerNamesAnEngineOrFails(byte @NotNull [] body) {
        try {
            NixlAnswer answer = NixlAnswer.read(body);
            assertThat(answer.transferMode()).isNotNull();
            assertThat(answer.address(null, 3).port()).isBetween(1, 65_535);
        } catch (ProbeFailure e) {
            assertThat(e.getMessage()).isNotEmpty();
        }
    }
}
