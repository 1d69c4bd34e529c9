// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.transfer;

import static org.assertj.core.api.Assertions.assertThat;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A client may leave at any of the moments between the question and the start of its request. */
class ClaimedTest {
    private int givenBack;
    private Runnable meanwhile = () -> {};

    private Claimed claimed(@Nullable String refusal) {
        Claim claim = new Claim() {
            @Override
            public @Nullable String judge() {
                meanwhile.run();
                return refusal;
            }

            @Override
            public void giveBack() {
                givenBack++;
            }
        };
        return new Claimed(claim, Runnable::run);
    }

    @Test
    void whatARequestBeginsWithIsItsOwn() {
        Claimed claimed = claimed(null);
        assertThat(claimed.judge()).isNull();
        assertThat(claimed.begin()).isTrue();

        claimed.leave();

        assertThat(givenBack).isZero();
    }

    @Test
    void aClientThatLeavesBetweenTheAnswerAndTheStartHasTheClaimGivenBack() {
        Claimed claimed = claimed(null);
        assertThat(claimed.judge()).isNull();

        claimed.leave();

        assertThat(givenBack).isOne();
        assertThat(claimed.begin()).isFalse();
        assertThat(givenBack).isOne();
    }

    @Test
    void aClientThatLeavesWhileTheOtherEngineIsAskedHasTheClaimGivenBack() {
        Claimed claimed = claimed(null);
        meanwhile = claimed::leave;

        assertThat(claimed.judge()).isNull();

        assertThat(givenBack).isOne();
        assertThat(claimed.begin()).isFalse();
    }

    @Test
    void aClientThatHasLeftBeforeTheQuestionHasTheClaimGivenBack() {
        Claimed claimed = claimed(null);
        claimed.leave();

        assertThat(claimed.judge()).isNull();

        assertThat(givenBack).isOne();
        assertThat(claimed.begin()).isFalse();
    }

    @Test
    void whatWasRefusedIsNotGivenBack() {
        Claimed claimed = claimed("used before");
        assertThat(claimed.judge()).isEqualTo("used before");

        claimed.leave();

        assertThat(givenBack).isZero();
        assertThat(claimed.begin()).isFalse();
    }
}
