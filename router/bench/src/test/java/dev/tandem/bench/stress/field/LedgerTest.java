// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class LedgerTest {
    @Test
    void readsItsOwnLine() {
        Ledger ledger = new Ledger(40, 39, 2, 1);

        assertThat(Ledger.parse(ledger.line())).isEqualTo(ledger);
        assertThatThrownBy(() -> Ledger.parse("ports 1 2 3 4")).hasMessageContaining("expected: a line of one");
    }

    @Test
    void countsWhatNobodyHasSent() {
        assertThat(new Ledger(40, 39, 0, 0).beyond(38)).isEqualTo(2);
        assertThat(new Ledger(40, 39, 0, 0).beyond(41)).isZero();
    }
}
