// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.admission;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.lifecycle.EdgeListener.Rejection;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

class DirectMemoryTest {
    private static final long MOST = 100;

    private final AtomicLong reserved = new AtomicLong();
    private final AtomicLong holdable = new AtomicLong(Long.MAX_VALUE);
    private final List<Rejection> rejected = new ArrayList<>();
    private final DirectMemory memory = new DirectMemory(MOST, reserved::get, holdable::get, rejected::add);
    private final Mono<String> work = Mono.just("done");

    @Test
    void aRequestBeginsWithTheMostThatMayBeReserved() {
        reserved.set(MOST);

        assertThat(memory.before(work)).isSameAs(work);
        assertThat(rejected).isEmpty();
    }

    @Test
    void aRequestBeyondItIsRefusedUntilMemoryComesBack() {
        reserved.set(MOST + 1);

        StepVerifier.create(memory.before(work))
                .expectErrorMatches(
                        thrown -> thrown instanceof FailureException refused && refused.failure() == Failure.OVERLOADED)
                .verify();
        assertThat(rejected).containsExactly(Rejection.DIRECT_MEMORY);

        reserved.set(MOST);
        assertThat(memory.before(work)).isSameAs(work);
    }

    @Test
    void whatTheAllocatorKeepsForLaterIsNoReasonToRefuse() {
        reserved.set(MOST + 1);
        holdable.set(MOST);

        assertThat(memory.before(work)).isSameAs(work);
    }

    @Test
    void memoryOfWhichNothingIsKnownIsEnough() {
        reserved.set(-1);

        assertThat(memory.before(work)).isSameAs(work);
    }

    @Test
    void answersAndBodiesHoldIt() {
        assertThat(DirectMemory.holdable(0, 0)).isZero();
        assertThat(DirectMemory.holdable(4000, 10)).isEqualTo(4000L * 1024 * 1024 + 20);
    }
}
