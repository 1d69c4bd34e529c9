// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.bench.stress.field.Answer;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

class DeathsTest {
    private static final long MILLI = 1_000_000;

    private final Deaths deaths = new Deaths();

    private static Answer by(String worker, int attempts) {
        return new Answer(200, Map.of("x-tandem-decode", worker, "x-tandem-attempts", Integer.toString(attempts)), "");
    }

    @Test
    void tellsWhenSomebodyTriedLast() {
        deaths.onAnswer(by("w0", 1), 50 * MILLI, 60 * MILLI);
        deaths.killed("w0", 100 * MILLI);
        deaths.onAnswer(by("w1", 2), 90 * MILLI, 110 * MILLI);
        assertThat(deaths.lastTry()).isZero();

        deaths.onAnswer(by("w1", 2), 130 * MILLI, 150 * MILLI);
        deaths.onAnswer(by("w1", 1), 900 * MILLI, 950 * MILLI);

        assertThat(deaths.lastTry()).isEqualTo(30);
        assertThat(deaths.takenOver()).isEqualTo(2);
    }

    @Test
    void tellsWhenItIsBack() throws InterruptedException {
        deaths.killed("w0", 100 * MILLI);
        deaths.onAnswer(by("w0", 1), 90 * MILLI, 101 * MILLI);
        deaths.revived(200 * MILLI);
        deaths.onAnswer(by("w1", 1), 210 * MILLI, 220 * MILLI);
        deaths.onAnswer(by("w0", 1), 240 * MILLI, 250 * MILLI);
        deaths.onAnswer(by("w0", 1), 240 * MILLI, 290 * MILLI);
        deaths.awaitReturn(Duration.ZERO);

        assertThat(deaths.slowestReturn()).isEqualTo(50);
    }

    @Test
    void whoDoesNotComeBackIsNever() throws InterruptedException {
        deaths.killed("w0", 100 * MILLI);
        deaths.revived(200 * MILLI);
        deaths.awaitReturn(Duration.ZERO);

        assertThat(deaths.slowestReturn()).isInfinite();
    }
}
