// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class OverheadTest {
    private static final Exchange EXCHANGE = new Exchange(1, 1_000, 1_600, 1_900, "");

    @Test
    void isWhatTheEnginesDidNotNeed() {
        EngineTimes prefill = new EngineTimes(1_020, 1_020, 1_220, 0);
        EngineTimes decode = new EngineTimes(1_250, 1_300, 1_550, 99);
        Overhead overhead = Overhead.ofTwo(EXCHANGE, prefill, decode);
        assertThat(overhead).isEqualTo(new Overhead(20, 80, 50));
        assertThat(overhead.nanos()).isEqualTo((1_600 - 1_000) - (1_220 - 1_020) - (1_550 - 1_300));
        assertThat(overhead.fault()).isNull();
    }

    @Test
    void aDecodeLegThatWaitsSinceBeforePrefillIsNotCountedTwice() {
        EngineTimes prefill = new EngineTimes(1_020, 1_020, 1_220, 0);
        EngineTimes early = new EngineTimes(1_005, 1_300, 1_550, 99);
        EngineTimes late = new EngineTimes(1_290, 1_300, 1_550, 99);
        assertThat(Overhead.ofTwo(EXCHANGE, prefill, early)).isEqualTo(Overhead.ofTwo(EXCHANGE, prefill, late));
    }

    @Test
    void ofOneLegLeavesItsEngineOut() {
        assertThat(Overhead.ofOne(EXCHANGE, new EngineTimes(1_100, 1_100, 1_500, 0)))
                .isEqualTo(new Overhead(100, 0, 100));
    }

    @Test
    void ofASecondTokenEndsWithIt() {
        EngineTimes prefill = new EngineTimes(1_020, 1_020, 1_220, 0);
        EngineTimes decode = new EngineTimes(1_650, 1_700, 1_880, 99);
        assertThat(Overhead.ofSecond(EXCHANGE, prefill, decode)).isEqualTo(new Overhead(20, 480, 20));
    }

    @Test
    void aDecodeEngineThatDidNotWaitIsAFault() {
        EngineTimes prefill = new EngineTimes(1_020, 1_020, 1_400, 0);
        EngineTimes decode = new EngineTimes(1_100, 1_100, 1_550, 0);
        assertThat(Overhead.ofTwo(EXCHANGE, prefill, decode).fault()).isEqualTo("decode did not wait for prefill");
    }

    @Test
    void clocksThatDisagreeAreAFault() {
        EngineTimes tooEarly = new EngineTimes(999, 999, 1_500, 0);
        EngineTimes tooLate = new EngineTimes(1_100, 1_100, 1_601, 0);
        assertThat(Overhead.ofOne(EXCHANGE, tooEarly).fault()).isNotNull();
        assertThat(Overhead.ofOne(EXCHANGE, tooLate).fault()).isNotNull();
    }
}
