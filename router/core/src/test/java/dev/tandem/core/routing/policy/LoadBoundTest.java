// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing.policy;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How much an affine policy puts on one worker. */
class LoadBoundTest {
    private final LoadBound bound = new LoadBound(2048, 1.25);

    @ParameterizedTest
    @CsvSource({
        // up to one batch, whatever the others have
        "1848, 200, 0, true",
        "1849, 200, 0, false",
        // beyond it up to 1.25 times the mean
        "4800, 200, 4000, true",
        "4801, 200, 4000, false",
        // a prompt longer than a batch: an idle worker, or one with half as much ahead
        "0, 100000, 0, true",
        "50000, 100000, 0, true",
        "50001, 100000, 0, false"
    })
    void boundsPendingTokens(long pending, long prompt, double fair, boolean room) {
        assertThat(bound.hasRoom(pending, prompt, fair)).isEqualTo(room);
    }

    @ParameterizedTest
    @CsvSource({"15, 0, true", "16, 0, false", "59, 30, true", "60, 30, false"})
    void boundsRequestsInFlight(int inFlight, double fair, boolean seat) {
        assertThat(bound.hasSeat(inFlight, fair)).isEqualTo(seat);
    }
}
