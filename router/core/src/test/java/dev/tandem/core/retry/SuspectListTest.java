// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.retry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.time.FakeTicker;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class SuspectListTest {
    private static final Duration MEMORY = Duration.ofMinutes(1);

    private final FakeTicker ticker = new FakeTicker();
    private final SuspectList list = new SuspectList(2, MEMORY, ticker);

    @Test
    void aRequestThatBringsTwoWorkersDownIsRefused() {
        list.onDied("r", "a");
        assertThat(list.refuses("r")).isFalse();
        list.onDied("r", "a");
        assertThat(list.refuses("r")).as("the same worker again").isFalse();
        list.onDied("r", "b");
        assertThat(list.refuses("r")).isTrue();
        assertThat(list.refuses("another")).isFalse();
    }

    @Test
    void afterAWhileItMayTryAgain() {
        list.onDied("r", "a");
        list.onDied("r", "b");
        ticker.advance(MEMORY);
        assertThat(list.refuses("r")).isTrue();
        ticker.advance(Duration.ofNanos(1));
        assertThat(list.refuses("r")).isFalse();
        assertThat(list.any()).isFalse();
    }

    @Test
    void whatIsAnsweredWellIsInnocent() {
        list.onDied("r", "a");
        assertThat(list.any()).isTrue();
        list.onCompleted("r");
        assertThat(list.any()).isFalse();
        list.onDied("r", "b");
        assertThat(list.refuses("r")).isFalse();
    }

    @Test
    void itForgetsTheOldestFirst() {
        list.onDied("first", "a");
        list.onDied("second", "a");
        for (int i = 0; i < 9_999; i++) {
            list.onDied("r" + i, "a");
        }
        list.onDied("first", "b");
        list.onDied("second", "b");

        assertThat(list.refuses("first")).isFalse();
        assertThat(list.refuses("second")).isFalse();
        assertThat(list.any()).isTrue();
    }

    @Test
    void itCanBeSwitchedOff() {
        SuspectList nobody = new SuspectList(0, MEMORY, ticker);
        nobody.onDied("r", "a");
        assertThat(nobody.any()).isFalse();
    }
}
