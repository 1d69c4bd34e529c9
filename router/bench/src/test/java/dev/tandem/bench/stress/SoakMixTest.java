// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tandem.bench.stress.field.Wish;
import dev.tandem.bench.stress.field.Wish.Kind;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SoakMixTest {
    private static final int NUMBERS = 100_000;

    @Test
    void aTenthLeavesAndATwentiethFails() {
        Map<Kind, Integer> counts = new EnumMap<>(Kind.class);
        int[] patience = new int[4];
        for (int i = 0; i < NUMBERS; i++) {
            Wish wish = SoakMix.wish(i);
            counts.merge(wish.kind(), 1, Integer::sum);
            if (SoakMix.leaves(wish)) {
                patience[SoakMix.patience(wish)]++;
            }
        }

        assertThat(counts.get(Kind.DRIP)).isCloseTo(NUMBERS / 10, within(500));
        for (Kind fault : new Kind[] {Kind.REFUSE, Kind.RESET, Kind.HALF, Kind.CUT}) {
            assertThat(counts.get(fault)).isCloseTo(NUMBERS / 80, within(150));
        }
        assertThat(counts.get(Kind.BURST)).isCloseTo(counts.get(Kind.WORK), within(NUMBERS / 50));
        assertThat(Arrays.stream(patience).boxed())
                .allSatisfy(times -> assertThat(times).isCloseTo(NUMBERS / 40, within(250)));
    }

    @Test
    void theSameNumberWishesTheSame() {
        assertThat(SoakMix.wish(17)).isEqualTo(SoakMix.wish(17));
    }
}
