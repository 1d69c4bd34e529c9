// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.health;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.health.Breaker.Probation;
import dev.tandem.core.health.Breaker.State;
import dev.tandem.core.time.FakeTicker;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BreakerTest {
    private final FakeTicker ticker = new FakeTicker();
    private final Breaker breaker = new Breaker(BreakerSettings.defaults(), ticker, () -> 0.5);

    @Test
    void opensAfterFiveFailuresInARow() {
        fail(4);
        breaker.onSuccess();
        fail(4);
        assertThat(breaker.state()).isEqualTo(State.CLOSED);
        fail(1);
        assertThat(breaker.state()).isEqualTo(State.OPEN);
        assertThat(breaker.admits()).isFalse();
        assertThat(breaker.begins()).isNull();
    }

    @Test
    void opensWhenHalfOfTwentyFailWithinHalfAMinute() {
        for (int i = 0; i < 9; i++) {
            breaker.onSuccess();
            fail(1);
            ticker.advance(Duration.ofSeconds(1));
        }
        breaker.onSuccess();
        assertThat(breaker.state()).isEqualTo(State.CLOSED);
        fail(1);
        assertThat(breaker.state()).isEqualTo(State.OPEN);
    }

    @Test
    void forgetsFailuresOfLongAgo() {
        for (int i = 0; i < 100; i++) {
            fail(1);
            breaker.onSuccess();
            ticker.advance(Duration.ofSeconds(4));
        }
        assertThat(breaker.state()).isEqualTo(State.CLOSED);
    }

    @Test
    void letsOneRequestPassAtATimeWhenItsTimeIsOver() {
        fail(5);
        ticker.advance(Duration.ofSeconds(5).minusNanos(1));
        assertThat(breaker.state()).isEqualTo(State.OPEN);
        ticker.advance(Duration.ofNanos(1));
        assertThat(breaker.state()).isEqualTo(State.HALF_OPEN);
        Probation first = begin();
        assertThat(breaker.admits()).isFalse();
        assertThat(breaker.begins()).isNull();
        first.end();
        assertThat(breaker.admits()).isTrue();
        begin();
        breaker.onSuccess();
        assertThat(breaker.state()).isEqualTo(State.CLOSED);
    }

    @Test
    void whatWasBegunBeforeProvesNothing() {
        fail(5);
        breaker.onSuccess();
        fail(1);
        ticker.advance(Duration.ofSeconds(5));
        breaker.onSuccess();
        fail(1);
        assertThat(breaker.state()).isEqualTo(State.HALF_OPEN);
    }

    @Test
    void whoeverComesTooLateEndsNoOtherProbation() {
        fail(5);
        ticker.advance(Duration.ofSeconds(5));
        Probation first = begin();
        breaker.open();
        ticker.advance(Duration.ofSeconds(10));
        begin();
        first.end();
        assertThat(breaker.admits()).isFalse();
    }

    @Test
    void staysOpenTwiceAsLongEachTimeUpToAMinute() {
        fail(5);
        for (int seconds : new int[] {5, 10, 20, 40, 60, 60}) {
            assertOpenFor(Duration.ofSeconds(seconds));
            begin();
            fail(1);
        }
    }

    @Test
    void beginsAnewWhenItWasClosedForAMinute() {
        fail(5);
        prove();
        fail(5);
        prove();
        ticker.advance(Duration.ofSeconds(60));
        fail(5);
        assertOpenFor(Duration.ofSeconds(20));
        begin();
        breaker.onSuccess();
        ticker.advance(Duration.ofSeconds(61));
        fail(5);
        assertOpenFor(Duration.ofSeconds(5));
    }

    @ParameterizedTest
    @CsvSource({"0, 4000", "0.5, 5000", "0.999999999, 6000"})
    void spreadsTheEndsOverAFifth(double chance, int millis) {
        Breaker spread = new Breaker(BreakerSettings.defaults(), ticker, () -> chance);
        spread.open();
        ticker.advance(Duration.ofMillis(millis).minusMillis(1));
        assertThat(spread.state()).isEqualTo(State.OPEN);
        ticker.advance(Duration.ofMillis(2));
        assertThat(spread.state()).isEqualTo(State.HALF_OPEN);
    }

    @Test
    void refusesSettingsThatMakeNoSense() {
        assertThatThrownBy(() -> new BreakerSettings(0, 0.5, 20, Duration.ofSeconds(5), Duration.ofSeconds(60)))
                .hasMessage("failures: 0 (expected: >= 1)");
        assertThatThrownBy(() -> new BreakerSettings(5, 0, 20, Duration.ofSeconds(5), Duration.ofSeconds(60)))
                .hasMessageStartingWith("share: ");
        assertThatThrownBy(() -> new BreakerSettings(5, 0.5, 0, Duration.ofSeconds(5), Duration.ofSeconds(60)))
                .hasMessageStartingWith("shareFrom: ");
        assertThatThrownBy(() -> new BreakerSettings(5, 0.5, 20, Duration.ofSeconds(5), Duration.ofSeconds(1)))
                .hasMessageStartingWith("open: ");
    }

    /** Against a model that keeps every outcome: a hundred walks of a thousand steps, the seed is printed. */
    @Test
    void agreesWithASimpleModel() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int walk = 0; walk < 100; walk++) {
            Breaker real = new Breaker(BreakerSettings.defaults(), ticker, () -> 0.5);
            Model model = new Model(ticker);
            double failing = random.nextDouble();
            for (int step = 0; step < 1000; step++) {
                boolean failed = random.nextDouble() < failing;
                if (model.passes()) {
                    Probation probation = real.begins();
                    outcome(real, failed);
                    if (probation != null) {
                        probation.end();
                    }
                    model.outcome(failed);
                }
                ticker.advance(Duration.ofSeconds(random.nextInt(4) == 0 ? 3L * random.nextInt(12) : 0));
                assertThat(real.admits())
                        .as("seed %s walk %s step %s", seed, walk, step)
                        .isEqualTo(model.passes());
            }
        }
    }

    private static void outcome(Breaker breaker, boolean failed) {
        if (failed) {
            breaker.onFailure();
        } else {
            breaker.onSuccess();
        }
    }

    private void fail(int times) {
        for (int i = 0; i < times; i++) {
            breaker.onFailure();
        }
    }

    private Probation begin() {
        return Objects.requireNonNull(breaker.begins());
    }

    private void prove() {
        ticker.advance(Duration.ofMinutes(1));
        begin();
        breaker.onSuccess();
    }

    private void assertOpenFor(Duration time) {
        ticker.advance(time.minusNanos(1));
        assertThat(breaker.state()).isEqualTo(State.OPEN);
        ticker.advance(Duration.ofNanos(1));
        assertThat(breaker.state()).isEqualTo(State.HALF_OPEN);
    }

    /** One request at a time. Time moves in steps of 3 s. */
    private static final class Model {
        private final FakeTicker ticker;
        private final Deque<Outcome> outcomes = new ArrayDeque<>();
        private long openUntil = Long.MIN_VALUE;
        private long closedSince;
        private boolean closed = true;
        private int openings;
        private int inARow;

        private Model(FakeTicker ticker) {
            this.ticker = ticker;
            this.closedSince = ticker.nanoTime();
        }

        private boolean passes() {
            return closed || ticker.nanoTime() >= openUntil;
        }

        private void outcome(boolean failed) {
            if (!closed) {
                closed = !failed;
                closedSince = closed ? ticker.nanoTime() : closedSince;
                if (failed) {
                    open();
                }
                return;
            }
            inARow = failed ? inARow + 1 : 0;
            long step = ticker.nanoTime() / 3_000_000_000L;
            outcomes.add(new Outcome(failed, step));
            outcomes.removeIf(old -> step - old.step >= 10);
            long failures = outcomes.stream().filter(Outcome::failed).count();
            if (failed && (inARow >= 5 || (outcomes.size() >= 20 && 2 * failures >= outcomes.size()))) {
                if (ticker.nanoTime() - closedSince > 60_000_000_000L) {
                    openings = 0;
                }
                open();
            }
        }

        private void open() {
            openUntil = ticker.nanoTime() + 1_000_000_000L * Math.min(60, 5L << Math.min(openings, 10));
            openings++;
            closed = false;
            inARow = 0;
            outcomes.clear();
        }

        private record Outcome(boolean failed, long step) {}
    }
}
