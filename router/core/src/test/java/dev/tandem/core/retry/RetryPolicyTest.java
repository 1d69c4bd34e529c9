// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.retry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.failure.Failure;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RetryPolicyTest {
    private static final NextMove AGAIN = new NextMove.RouteAgain();
    private final RetryPolicy policy = new RetryPolicy(3);

    @Test
    void asksTheNextWorkerAsLongAsNobodySawTheRequest() {
        assertThat(policy.after(Failure.CONNECT_FAILED, 1)).isEqualTo(AGAIN);
        assertThat(policy.after(Failure.CONNECT_FAILED, 2)).isEqualTo(AGAIN);
        assertThat(policy.after(Failure.CONNECT_FAILED, 3)).isEqualTo(new NextMove.GiveUp(Failure.CONNECT_FAILED));
    }

    @ParameterizedTest
    @EnumSource(names = {"ENGINE_ERROR", "ENGINE_DROPPED", "ENGINE_STALLED"})
    void replacesAWorkerThatTookTheRequestOnce(Failure failure) {
        assertThat(policy.after(failure, 1)).isEqualTo(AGAIN);
        assertThat(policy.after(failure, 2)).isEqualTo(new NextMove.GiveUp(failure));
    }

    @Test
    void looksForAWorkerWithRoomAsLongAsThereAreAttempts() {
        assertThat(policy.after(Failure.ENGINE_BUSY, 2)).isEqualTo(AGAIN);
        assertThat(policy.after(Failure.ENGINE_BUSY, 3)).isEqualTo(new NextMove.GiveUp(Failure.ENGINE_BUSY));
    }

    @Test
    void goesOnWithAnAnswerElsewhereAsLongAsThereAreAttempts() {
        assertThat(policy.afterResumed(Failure.ENGINE_DROPPED, 2)).isEqualTo(AGAIN);
        assertThat(policy.afterResumed(Failure.ENGINE_DROPPED, 3))
                .isEqualTo(new NextMove.GiveUp(Failure.ENGINE_DROPPED));
        assertThat(policy.afterResumed(Failure.ENGINE_TIMEOUT, 1))
                .isEqualTo(new NextMove.GiveUp(Failure.ENGINE_TIMEOUT));
    }

    @Test
    void anotherPrefillWorkerIsTriedOnceThenNone() {
        assertThat(policy.after(Failure.PREFILL_FAILED, 1)).isEqualTo(AGAIN);
        assertThat(policy.after(Failure.PREFILL_FAILED, 2)).isEqualTo(new NextMove.ServeWhole());
        assertThat(policy.after(Failure.PREFILL_FAILED, 3)).isEqualTo(new NextMove.GiveUp(Failure.PREFILL_FAILED));
    }

    @Test
    void whatCouldNotBeTransferredIsComputedAgain() {
        assertThat(policy.after(Failure.KV_TRANSFER_FAILED, 1)).isEqualTo(new NextMove.ServeWhole());
        assertThat(policy.after(Failure.KV_TRANSFER_FAILED, 3))
                .isEqualTo(new NextMove.GiveUp(Failure.KV_TRANSFER_FAILED));
    }

    @Test
    void theLastAttemptDoesWithoutHandOver() {
        assertThat(new RetryPolicy(2).after(Failure.PREFILL_FAILED, 1)).isEqualTo(new NextMove.ServeWhole());
    }

    @ParameterizedTest
    @EnumSource(names = {"INVALID_JSON", "ENGINE_REJECTED", "ENGINE_TIMEOUT", "STREAM_INTERRUPTED", "INTERNAL"})
    void repeatsNothingElse(Failure failure) {
        assertThat(policy.after(failure, 1)).isEqualTo(new NextMove.GiveUp(failure));
    }

    @Test
    void oneAttemptIsTheLeast() {
        assertThat(new RetryPolicy(1).after(Failure.CONNECT_FAILED, 1))
                .isEqualTo(new NextMove.GiveUp(Failure.CONNECT_FAILED));
        assertThatThrownBy(() -> new RetryPolicy(0)).hasMessageContaining("(expected: >= 1)");
    }
}
