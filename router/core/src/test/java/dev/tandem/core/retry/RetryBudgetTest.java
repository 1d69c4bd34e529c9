// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.retry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.time.FakeTicker;
import java.time.Duration;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RetryBudgetTest {
    private final FakeTicker ticker = new FakeTicker();

    private RetryBudget budget(double share, int perSecond) {
        return new RetryBudget(new RetryBudget.Settings(share, perSecond), ticker);
    }

    private static void requests(RetryBudget budget, int count) {
        IntStream.range(0, count).forEach(i -> budget.onRequest());
    }

    private static long taken(RetryBudget budget, int wanted) {
        return IntStream.range(0, wanted).filter(i -> budget.take()).count();
    }

    @Test
    void aFifthOfTheRequestsMayBeRetried() {
        RetryBudget budget = budget(0.2, 0);
        requests(budget, 100);

        assertThat(taken(budget, 100)).isEqualTo(20);
    }

    @Test
    void aFewInEachSecondAlwaysMay() {
        RetryBudget budget = budget(0.2, 3);

        assertThat(taken(budget, 9)).isEqualTo(3);
        ticker.advance(Duration.ofSeconds(1));
        assertThat(taken(budget, 9)).isEqualTo(3);
    }

    @Test
    void whatWasTenSecondsAgoDoesNotCount() {
        RetryBudget budget = budget(0.2, 0);
        requests(budget, 100);
        taken(budget, 20);

        ticker.advance(Duration.ofSeconds(9));
        requests(budget, 50);
        assertThat(taken(budget, 100)).as("30 for 150, 20 of them taken").isEqualTo(10);
        ticker.advance(Duration.ofSeconds(1));
        assertThat(taken(budget, 100)).as("10 for 50, 10 of them taken").isZero();
        requests(budget, 10);
        assertThat(taken(budget, 100)).isEqualTo(2);
        ticker.advance(Duration.ofHours(1));
        assertThat(taken(budget, 100)).isZero();
    }

    @Test
    void whenEverythingFailsAttemptsStayBelowAQuarterMore() {
        RetryBudget budget = budget(0.2, 10);
        int attempts = 0;
        for (int second = 0; second < 60; second++) {
            for (int i = 0; i < 1_000; i++) {
                budget.onRequest();
                attempts += budget.take() ? 2 : 1;
            }
            ticker.advance(Duration.ofSeconds(1));
        }
        assertThat(attempts / 60_000.0).isBetween(1.15, 1.25);
    }

    @Test
    void rangesAreChecked() {
        assertThatThrownBy(() -> new RetryBudget.Settings(1.1, 1)).hasMessageContaining("share: 1.1");
        assertThatThrownBy(() -> new RetryBudget.Settings(0.1, -1)).hasMessageContaining("perSecond: -1");
    }
}
