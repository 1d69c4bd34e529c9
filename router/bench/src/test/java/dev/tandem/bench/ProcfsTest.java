// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ProcfsTest {
    @Test
    void ticksAreUserAndSystemTimeWithWaitedForChildren() {
        String stat = "4242 (nginx) S 1 4242 4242 0 -1 4194560 900 12 3 0 1000 200 30 4 20 0 1 0 8000 55000 700";
        assertThat(Procfs.statTicks(stat)).isEqualTo(1_234);
    }

    @Test
    void aNameWithBlanksAndParenthesesDoesNotShiftTheFields() {
        String stat = "7 (a) (b c) R 1 7 7 0 -1 0 0 0 0 0 11 22 0 0 20 0 1 0 8000 55000 700";
        assertThat(Procfs.statTicks(stat)).isEqualTo(33);
    }

    @Test
    void aProcessThatHasEndedCountsNothing() {
        assertThat(Procfs.statTicks("")).isZero();
        assertThat(Procfs.field("", "VmRSS")).isZero();
        assertThat(Procfs.cpuMicros(Long.MAX_VALUE)).isZero();
    }

    @Test
    void readsAFieldInKibibytes() {
        String status = "Name:\tjava\nVmHWM:\t  300000 kB\nVmRSS:\t  250112 kB\nThreads:\t12\n";
        assertThat(Procfs.field(status, "VmRSS")).isEqualTo(250_112);
        assertThat(Procfs.field(status, "Threads")).isEqualTo(12);
        assertThat(Procfs.field("00400000-7fff000 ---p 00 00:00 0 [rollup]\nRss: 90 kB\nPss:  42 kB\n", "Pss"))
                .isEqualTo(42);
    }

    @Test
    void ownProcessHasMemory() {
        assertThat(Procfs.residentKib(ProcessHandle.current().pid())).isGreaterThan(1_024);
    }
}
