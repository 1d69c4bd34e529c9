// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class DeparturesTest {
    private final Departures gone = new Departures();

    @Test
    void tellsHowLongItTook() throws InterruptedException {
        gone.note(3, 7_000_000);
        gone.note(4, 9_000_000);

        assertThat(gone.millis(3, 5_000_000, Duration.ZERO)).isEqualTo(2);
        assertThat(gone.millisToLast(2, 5_000_000, Duration.ZERO)).isEqualTo(4);
    }

    @Test
    void waitsForWhoHasNotLeft() throws InterruptedException {
        Thread engine = Thread.startVirtualThread(() -> gone.note(1, 1_000_000));

        assertThat(gone.millis(1, 0, Duration.ofMinutes(1))).isEqualTo(1);
        engine.join();
    }

    @Test
    void whoNeverLeavesHasNoTime() throws InterruptedException {
        assertThat(gone.millis(1, 0, Duration.ZERO)).isNaN();
        assertThat(gone.millisToLast(1, 0, Duration.ZERO)).isInfinite();
    }
}
