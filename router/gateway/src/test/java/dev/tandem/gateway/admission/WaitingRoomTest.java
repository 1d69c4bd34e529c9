// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.admission;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.test.scheduler.VirtualTimeScheduler;

class WaitingRoomTest {
    private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
    private final WaitingRoom room = new WaitingRoom(1, 2, Duration.ofSeconds(10), time);

    @Test
    void firstComeFirstServed() {
        Ticket first = enter();
        List<Integer> served = new ArrayList<>();
        List<Ticket> tickets = new ArrayList<>();
        for (int i = 1; i <= 2; i++) {
            int number = i;
            room.enter().subscribe(ticket -> {
                served.add(number);
                tickets.add(ticket);
            });
        }
        assertThat(room.queued()).isEqualTo(2);

        first.close();
        assertThat(served).containsExactly(1);
        tickets.getFirst().close();
        assertThat(served).containsExactly(1, 2);
        tickets.getLast().close();
        assertThat(room.running()).isZero();
    }

    @Test
    void refusesWhenNobodyMoreMayWait() {
        enter();
        room.enter().subscribe();
        room.enter().subscribe();

        StepVerifier.create(room.enter())
                .expectErrorSatisfies(
                        e -> assertThat(((FailureException) e).failure()).isEqualTo(Failure.OVERLOADED))
                .verify(Duration.ofSeconds(5));
    }

    @Test
    void waitsNoLongerThanItsPatience() {
        Ticket first = enter();
        List<Throwable> errors = new ArrayList<>();
        room.enter().subscribe(ticket -> {}, errors::add);

        time.advanceTimeBy(Duration.ofSeconds(11));

        assertThat(errors)
                .singleElement()
                .isInstanceOfSatisfying(
                        FailureException.class, e -> assertThat(e.failure()).isEqualTo(Failure.DEADLINE_EXCEEDED));
        first.close();
        assertThat(room.running()).isZero();
    }

    @Test
    void whoLeavesTheQueueTakesNoPlace() {
        Ticket first = enter();
        Disposable waiting = room.enter().subscribe();
        waiting.dispose();

        assertThat(room.queued()).isZero();
        first.close();
        assertThat(room.running()).isZero();
    }

    @Test
    void closingTwiceFreesOnePlace() {
        Ticket first = enter();
        first.close();
        first.close();

        enter();
        assertThat(room.running()).isEqualTo(1);
    }

    @Test
    void losesNoPlaceWhenManyComeAndLeaveAtOnce() throws InterruptedException {
        WaitingRoom busy = new WaitingRoom(4, 10_000, Duration.ofSeconds(30), Schedulers.parallel());
        try (ExecutorService clients = Executors.newFixedThreadPool(8)) {
            for (int i = 0; i < 4_000; i++) {
                boolean leaves = i % 3 == 0;
                clients.execute(() -> {
                    Disposable request = busy.enter().subscribe(Ticket::close);
                    if (leaves) {
                        request.dispose();
                    }
                });
            }
            clients.shutdown();
            assertThat(clients.awaitTermination(30, TimeUnit.SECONDS)).isTrue();
        }

        assertThat(busy.running()).isZero();
        assertThat(busy.queued()).isZero();
    }

    private Ticket enter() {
        List<Ticket> tickets = new ArrayList<>();
        room.enter().subscribe(tickets::add);
        assertThat(tickets).hasSize(1);
        return tickets.getFirst();
    }
}
