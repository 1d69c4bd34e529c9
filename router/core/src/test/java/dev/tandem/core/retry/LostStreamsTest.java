// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.retry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.time.FakeTicker;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class LostStreamsTest {
    private static final Duration SERIES = Duration.ofSeconds(10);

    private final FakeTicker ticker = new FakeTicker();
    private final LostStreams lost = new LostStreams(ticker);

    @Test
    void whateverAWorkerHadWhenItDiedIsLostAtOneStroke() {
        long early = ticker.nanoTime();
        ticker.advance(Duration.ofHours(1));
        long late = ticker.nanoTime();

        assertThat(lost.atOneStroke("a", late)).isTrue();
        ticker.advance(SERIES);
        assertThat(lost.atOneStroke("a", early)).as("whose silence shows later").isTrue();
        assertThat(lost.atOneStroke("a", late)).isTrue();
    }

    @Test
    void whatItGetsAfterwardsIsNot() {
        lost.atOneStroke("a", ticker.nanoTime());
        for (int second = 0; second < 60; second++) {
            ticker.advance(Duration.ofSeconds(1));
            assertThat(lost.atOneStroke("a", ticker.nanoTime())).isFalse();
            assertThat(lost.atOneStroke("a" + second, ticker.nanoTime()))
                    .as("another worker")
                    .isTrue();
        }
    }

    @Test
    void tenSecondsWithoutALossEndASeries() {
        lost.atOneStroke("a", ticker.nanoTime());
        ticker.advance(SERIES);
        assertThat(lost.atOneStroke("a", ticker.nanoTime())).isFalse();
        ticker.advance(SERIES.plusNanos(1));
        assertThat(lost.atOneStroke("a", ticker.nanoTime())).isTrue();
    }
}
