// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.bench.stress.Curve.Point;
import org.junit.jupiter.api.Test;

class PaceTest {
    private static final long SECOND = 1_000_000_000L;

    @Test
    void countsAnswersOfEachSecond() {
        Pace pace = new Pace(5 * SECOND);
        pace.note(5 * SECOND, 1_000_000);
        pace.note(5 * SECOND + 1, 3_000_000);
        pace.note(7 * SECOND, 2_000_000);

        assertThat(pace.answers("a").points()).containsExactly(new Point(0, 2), new Point(1, 0), new Point(2, 1));
        assertThat(pace.slowest("s").points()).containsExactly(new Point(0, 3), new Point(1, 0), new Point(2, 2));
    }
}
