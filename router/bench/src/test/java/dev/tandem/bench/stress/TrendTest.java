// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TrendTest {
    private static Trend of(int count, java.util.function.IntToDoubleFunction value) {
        return new Trend(IntStream.range(0, count).mapToDouble(value).boxed().toList());
    }

    @Test
    void whatStaysIsFlatWhateverTheWarmUpWas() {
        Trend flat = of(40, i -> i < 10 ? 900 : 60 + i % 2);

        assertThat(flat.percent()).isCloseTo(100, within(2.0));
        assertThat(flat.rise()).isCloseTo(0, within(0.5));
        assertThat(flat.last()).isCloseTo(60.5, within(0.5));
    }

    @Test
    void aLeakRises() {
        Trend leak = of(100, i -> 100 + i);

        assertThat(leak.percent()).isCloseTo(100 * 187.0 / 137, within(0.5));
        assertThat(leak.rise()).isCloseTo(49, within(1e-9));
    }

    @Test
    void tooFewValuesSayNothing() {
        assertThat(of(7, i -> 1).percent()).isNaN();
        assertThat(new Trend(List.of()).rise()).isNaN();
    }
}
