// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.trial;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.lifecycle.TrialListener.Finding;
import dev.tandem.gateway.answer.UsageReport;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** What texts say of the pair that made the first of them. */
class TrialFindingTest {
    @Test
    void anEngineAloneIsRight() {
        assertThat(new Trial.Texts(text("a"), text("a")).finding()).isEqualTo(Finding.EQUAL);
        assertThat(new Trial.Texts(text("a"), text("b")).finding()).isEqualTo(Finding.DIFFERENT);
    }

    @Test
    void ofThreePairsTheMajorityIsRight() {
        assertThat(among("a", "a")).isEqualTo(Finding.EQUAL);
        assertThat(among("a", "b", "a")).isEqualTo(Finding.EQUAL);
        assertThat(among("a", "b", "b")).isEqualTo(Finding.DIFFERENT);
    }

    @Test
    void withoutAMajorityNobodyIs() {
        assertThat(among("a", "b")).isEqualTo(Finding.UNDECIDED);
        assertThat(among("a", "b", "c")).isEqualTo(Finding.UNDECIDED);
        assertThat(among("a")).isEqualTo(Finding.WARMED);
    }

    private static Finding among(String pair, String... others) {
        return new Trial.Texts(
                        text(pair),
                        null,
                        Arrays.stream(others).map(TrialFindingTest::text).toList())
                .finding();
    }

    private static TrialText text(String text) {
        return new TrialText(text, null, UsageReport.NONE);
    }
}
