// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;

class SamplesTest {
    @Test
    void quantileIsTheNearestRankWhateverTheOrder() {
        Samples samples = new Samples();
        for (long value : new long[] {50, 10, 40, 20, 30}) {
            samples.add(value);
        }
        assertThat(samples.quantile(0.5)).isEqualTo(30);
        assertThat(samples.quantile(0.2)).isEqualTo(10);
        assertThat(samples.quantile(0.21)).isEqualTo(20);
        assertThat(samples.quantile(1)).isEqualTo(50);
    }

    @Test
    void growsBeyondItsFirstCapacity() {
        Samples samples = new Samples();
        for (int i = 1; i <= 10_000; i++) {
            samples.add(i);
        }
        assertThat(samples.size()).isEqualTo(10_000);
        assertThat(samples.quantile(0.99)).isEqualTo(9_900);
    }

    @Test
    void afterKeepsOnlyWhatCameLater() {
        Samples samples = new Samples();
        for (long value : new long[] {1, 2, 100, 200, 300}) {
            samples.add(value);
        }
        assertThat(samples.after(2).quantile(0.5)).isEqualTo(200);
        assertThat(samples.after(2).size()).isEqualTo(3);
        assertThat(samples.after(5).quantile(0.5)).isNaN();
    }

    @Test
    void quantileOfNothingIsNoNumber() {
        assertThat(new Samples().quantile(0.5)).isNaN();
    }

    @Test
    void refusesASharesOutsideItsRange() {
        assertThatIllegalArgumentException().isThrownBy(() -> new Samples().quantile(0));
        assertThatIllegalArgumentException().isThrownBy(() -> new Samples().quantile(1.01));
    }

    @Test
    void medianTakesTheMiddleAndIgnoresMissingValues() {
        assertThat(Samples.median(List.of(3.0, 1.0, 2.0))).isEqualTo(2.0);
        assertThat(Samples.median(List.of(4.0, Double.NaN, 1.0, 2.0, 3.0))).isEqualTo(2.5);
        assertThat(Samples.median(List.of())).isNaN();
    }
}
