// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.time.FakeTicker;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ConcurrencyLimitTest {
    private final FakeTicker ticker = new FakeTicker();
    private final ConcurrencyLimit limit = new ConcurrencyLimit(ticker);

    @Test
    void thereIsNoneBeforeTheFirstRefusal() {
        limit.onSuccess(10_000);
        assertThat(limit.now()).isEqualTo(ConcurrencyLimit.NONE);
    }

    @Test
    void aRefusalTakesThreeTenthsOff() {
        refuse(20);
        assertThat(limit.now()).isEqualTo(14);
        refuse(14);
        assertThat(limit.now()).isEqualTo(9);
        refuse(1);
        assertThat(limit.now()).isEqualTo(1);
    }

    @Test
    void refusalsOfRequestsFromBeforeTheLimitChangeNothing() {
        refuse(20);
        for (int inFlight = 19; inFlight > 14; inFlight--) {
            refuse(inFlight);
        }
        assertThat(limit.now()).isEqualTo(14);
    }

    @Test
    void growsByOneForEachRoundInWhichItIsReached() {
        refuse(10);
        succeed(7, 6);
        assertThat(limit.now()).isEqualTo(7);
        succeed(7, 1);
        assertThat(limit.now()).isEqualTo(8);
        succeed(7, 100);
        assertThat(limit.now()).as("not reached").isEqualTo(8);
        succeed(8, 8 + 8);
        assertThat(limit.now()).as("the second round is that of nine").isEqualTo(9);
    }

    @Test
    void waitsAsLongAsItIsToldTo() {
        limit.onRefused(10, Duration.ofSeconds(3));
        ticker.advance(Duration.ofSeconds(3).minusNanos(1));
        assertThat(limit.now()).isZero();
        ticker.advance(Duration.ofNanos(1));
        assertThat(limit.now()).isEqualTo(7);
        limit.onRefused(7, Duration.ofDays(1));
        ticker.advance(Duration.ofSeconds(30));
        assertThat(limit.now()).isEqualTo(4);
    }

    @Test
    void anotherOneBeginsWithoutALimit() {
        limit.onRefused(10, Duration.ofSeconds(3));
        limit.clear();
        assertThat(limit.now()).isEqualTo(ConcurrencyLimit.NONE);
    }

    /** An engine that takes eight at a time, with more demand than that: the seed is printed. */
    @Test
    void convergesToWhatTheEngineTakes() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        int inFlight = 0;
        int refused = 0;
        int succeeded = 0;
        for (int step = 0; step < 20_000; step++) {
            if (inFlight < Math.min(limit.now(), 40) && random.nextInt(3) > 0) {
                inFlight++;
                if (inFlight > 8) {
                    refuse(inFlight);
                    inFlight--;
                    refused += step > 1_000 ? 1 : 0;
                }
            } else if (inFlight > 0) {
                limit.onSuccess(inFlight);
                inFlight--;
                succeeded++;
            }
            if (step > 1_000) {
                assertThat(limit.now()).as("seed %s step %s", seed, step).isBetween(5, 9);
            }
        }
        assertThat(refused).as("seed %s: refusals of %s", seed, succeeded).isLessThan(succeeded / 10);
    }

    private void refuse(int inFlight) {
        limit.onRefused(inFlight, Duration.ZERO);
    }

    private void succeed(int inFlight, int times) {
        for (int i = 0; i < times; i++) {
            limit.onSuccess(inFlight);
        }
    }
}
