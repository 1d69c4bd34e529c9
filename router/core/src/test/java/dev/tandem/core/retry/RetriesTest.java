// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.retry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.time.FakeTicker;
import java.time.Duration;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RetriesTest {
    private static final Duration FIRST = Duration.ofMillis(25);
    private static final Duration LONGEST = Duration.ofMillis(250);

    private final FakeTicker ticker = new FakeTicker();

    private Retries retries(int perSecond, double random) {
        return new Retries(
                new RetryPolicy(9),
                new RetryBudget(new RetryBudget.Settings(0, perSecond), ticker),
                new LostStreams(ticker),
                new Backoff(FIRST, LONGEST, () -> random));
    }

    @Test
    void withoutBudgetTheClientGetsTheFailure() {
        Retries retries = retries(1, 0);

        assertThat(retries.after(Failure.ENGINE_BUSY, 1)).isEqualTo(new NextMove.RouteAgain());
        assertThat(retries.after(Failure.ENGINE_BUSY, 1)).isEqualTo(new NextMove.Denied(Failure.ENGINE_BUSY));
    }

    @Test
    void whoHasSeenNothingCostsNothingAndIsNotWaitedFor() {
        Retries retries = retries(0, 0.5);

        assertThat(retries.after(Failure.CONNECT_FAILED, 1)).isEqualTo(new NextMove.RouteAgain());
        assertThat(retries.pause(Failure.CONNECT_FAILED, 1)).isZero();
    }

    @Test
    void whatIsNotAllowedTakesNoBudget() {
        Retries retries = retries(1, 0);

        assertThat(retries.after(Failure.ENGINE_TIMEOUT, 1)).isEqualTo(new NextMove.GiveUp(Failure.ENGINE_TIMEOUT));
        assertThat(retries.after(Failure.ENGINE_BUSY, 1)).isEqualTo(new NextMove.RouteAgain());
    }

    @Test
    void aStreamThatItsWorkersDeathHasCutGoesOnForNothing() {
        Retries retries = retries(1, 0);
        long began = ticker.nanoTime();
        ticker.advance(FIRST);

        IntStream.range(0, 100)
                .forEach(stream -> assertThat(retries.mayResume("a", began)).isTrue());
        assertThat(retries.after(Failure.ENGINE_BUSY, 1))
                .as("the budget is untouched")
                .isEqualTo(new NextMove.RouteAgain());
    }

    @Test
    void aWorkerThatGoesOnLosingStreamsTakesFromTheBudget() {
        Retries retries = retries(1, 0);
        retries.mayResume("a", ticker.nanoTime());
        ticker.advance(FIRST);

        assertThat(retries.mayResume("a", ticker.nanoTime())).isTrue();
        assertThat(retries.mayResume("a", ticker.nanoTime())).isFalse();
        assertThat(retries.mayResume("b", ticker.nanoTime()))
                .as("another worker")
                .isTrue();
    }

    @Test
    void pausesDoubleUpToTheLongest() {
        Retries most = retries(0, 1);
        Retries half = retries(0, 0.5);

        assertThat(most.pause(Failure.ENGINE_ERROR, 1)).isEqualTo(FIRST);
        assertThat(most.pause(Failure.ENGINE_ERROR, 2)).isEqualTo(FIRST.multipliedBy(2));
        assertThat(most.pause(Failure.ENGINE_ERROR, 9)).isEqualTo(LONGEST);
        assertThat(half.pause(Failure.ENGINE_ERROR, 1)).isEqualTo(FIRST.dividedBy(2));
        assertThat(retries(0, 0).pause(Failure.ENGINE_ERROR, 5)).isZero();
    }
}
