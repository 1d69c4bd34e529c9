// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.turn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Seat;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.lifecycle.RequestListener.TurnResult;
import dev.tandem.core.time.FakeTicker;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TurnsTest {
    private final FakeTicker ticker = new FakeTicker();
    private final List<TurnResult> told = new ArrayList<>();
    private final Turns turns = new Turns(
            new RequestListener() {
                @Override
                public void onTurn(TurnResult result) {
                    told.add(result);
                }
            },
            ticker);

    private static Turn turn(String params) {
        Seat seat = new Seat(new Worker("d1", URI.create("http://127.0.0.1:1"), Role.DECODE), 0, EngineFacts.UNKNOWN);
        return new Turn(seat, 1, new Put("kv_transfer_params", params), 1, "digest");
    }

    @Test
    void oneOfManyTakesIt() {
        Turn turn = turn("{}");
        turns.keep("a", turn);

        assertThat(turns.find("b")).isEmpty();
        assertThat(turns.find("a")).contains(turn);
        assertThat(turns.take("a", turn, TurnResult.READ)).isTrue();
        assertThat(turns.take("a", turn, TurnResult.READ)).isFalse();
        assertThat(turns.find("a")).isEmpty();
        assertThat(told).containsExactly(TurnResult.KEPT, TurnResult.READ);
    }

    @Test
    void theNextTurnTakesThePlaceOfOneThatNobodyRead() {
        turns.keep("a", turn("{}"));
        turns.keep("a", turn("{\"b\":1}"));

        assertThat(turns.find("a")).contains(turn("{\"b\":1}"));
        assertThat(told).containsExactly(TurnResult.KEPT, TurnResult.KEPT, TurnResult.UNREAD);
    }

    @Test
    void itIsForgottenBeforeItsEngineForgetsIt() {
        turns.keep("a", turn("{}"));
        ticker.advance(Duration.ofSeconds(449));
        assertThat(turns.find("a")).isPresent();

        ticker.advance(Duration.ofSeconds(2));
        assertThat(turns.find("a")).isEmpty();
        assertThat(told).containsExactly(TurnResult.KEPT, TurnResult.UNREAD);
    }

    @Test
    void theirNumberIsBounded() {
        String long1 = "x".repeat(1 << 20);
        for (int i = 0; i < 100; i++) {
            turns.keep("c" + i, turn(long1));
        }
        long unread = told.stream().filter(TurnResult.UNREAD::equals).count();
        assertThat(unread).isBetween(60L, 80L);
    }
}
