// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.turn;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.code_intelligence.jazzer.mutation.annotation.NotNull;
import dev.tandem.core.disagg.Handover.Carried;
import dev.tandem.core.disagg.KvConnectors;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Seat;
import dev.tandem.core.fleet.Worker;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.net.URI;
import java.util.Objects;
import tools.jackson.databind.json.JsonMapper;

/** What engines keep for the next turn, and prompts in tokens, on bytes that nobody has thought of. */
class TurnFuzzTest {
    private static final Seat DECODE =
            new Seat(new Worker("d1", URI.create("http://10.0.0.1:1"), Role.DECODE), 0, EngineFacts.UNKNOWN);
    private static final Carried WANTED =
            Objects.requireNonNull(KvConnectors.named("nixl").orElseThrow().readBack(DECODE));

    @FuzzTest(maxDuration = "2m")
    void anyAnswerIsATurnOrNone(byte @NotNull [] answer) {
        ByteBuf bytes = Unpooled.wrappedBuffer(answer);
        TurnAnswer.read(bytes, WANTED, DECODE, 1).ifPresent(turn -> {
            assertThat(turn.tokens()).isPositive();
            assertThat(JsonMapper.shared().readTree(turn.params().json()).isObject())
                    .isTrue();
        });
        assertThat(bytes.readableBytes()).isEqualTo(answer.length);
    }

    @FuzzTest(maxDuration = "2m")
    void anyBytesAreTokensOrNone(byte @NotNull [] list) {
        TokenIds.list(Unpooled.wrappedBuffer(list))
                .ifPresent(ids -> assertThat(ids.digest(ids.count())).hasSize(64));
    }
}
