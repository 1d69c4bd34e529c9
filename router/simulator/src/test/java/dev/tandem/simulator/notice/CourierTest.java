// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.notice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;

class CourierTest {
    private final List<Integer> arrived = new ArrayList<>();

    private void send(Courier courier, int count) {
        for (int i = 1; i <= count; i++) {
            int notice = i;
            courier.deliver(() -> {
                arrived.add(notice);
                return CompletableFuture.completedFuture(null);
            });
        }
    }

    @Test
    void losesEveryThird() {
        send(new Courier(Mishaps.NONE.withLose(3)), 7);
        assertThat(arrived).containsExactly(1, 2, 4, 5, 7);
    }

    @Test
    void losesAll() {
        send(new Courier(Mishaps.NONE.withLose(1)), 3);
        assertThat(arrived).isEmpty();
    }

    @Test
    void sendsEverySecondTwice() {
        send(new Courier(Mishaps.NONE.withDuplicate(2)), 4);
        assertThat(arrived).containsExactly(1, 2, 2, 3, 4, 4);
    }

    @Test
    void sendsGroupsInReverseAndHoldsTheRestBack() {
        send(new Courier(Mishaps.NONE.withReorder(2)), 5);
        assertThat(arrived).containsExactly(2, 1, 4, 3);
    }

    @Test
    void aNoticeThatFailsDoesNotKeepTheNextOneBack() {
        Courier courier = new Courier(Mishaps.NONE.withReorder(2));
        send(courier, 1);
        CompletionStage<Void> sent =
                courier.deliver(() -> CompletableFuture.failedFuture(new IOException("router is away")));
        assertThat(sent.toCompletableFuture()).isCompleted();
        assertThat(arrived).containsExactly(1);
    }

    @Test
    void readsWhatMayHappen() {
        assertThat(Mishaps.parse("delay_ms=200, lose=3,duplicate=2,reorder=4,early=1"))
                .isEqualTo(new Mishaps(Duration.ofMillis(200), 3, 2, 4, true));
        assertThatThrownBy(() -> Mishaps.parse("drop=1"))
                .hasMessage("drop: unknown (expected: delay_ms, duplicate, early, lose, reorder)");
        assertThatThrownBy(() -> Mishaps.parse("lose")).hasMessage("lose (expected: a list of name=number)");
    }
}
