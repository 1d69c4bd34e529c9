// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MetersTest {
    private static final String PAGE = """
            # HELP tandem_running Requests that run.
            # TYPE tandem_running gauge
            tandem_running 3.0
            tandem_running_else 90.0
            tandem_worker_in_flight{role="unified",worker="w0"} 2.0
            tandem_worker_in_flight{role="unified",worker="w1"} 1.5E1
            tandem_worker_limit{role="unified",worker="w1"} NaN
            """;

    @Test
    void addsTheSeriesOfAMeter() {
        assertThat(Meters.sum(PAGE, "tandem_running", "")).isEqualTo(3);
        assertThat(Meters.sum(PAGE, "tandem_worker_in_flight", "")).isEqualTo(17);
        assertThat(Meters.sum(PAGE, "tandem_worker_in_flight", "worker=\"w1\"")).isEqualTo(15);
        assertThat(Meters.sum(PAGE, "tandem_worker_limit", "")).isZero();
    }
}
