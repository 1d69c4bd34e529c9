// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.request.Caller;
import dev.tandem.core.request.Caller.Priority;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.scheduler.Schedulers;
import reactor.test.scheduler.VirtualTimeScheduler;

class WaitingRoomTest {
    private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
    private final WaitingRoom room = new WaitingRoom(1, 2, Duration.ofSeconds(10), time);

    @Test
    void firstComeFirstServed() {
        Ticket first = room.enter(Caller.ANYBODY);
        Ticket second = room.enter(Caller.ANYBODY);
        Ticket third = room.enter(Caller.ANYBODY);
        List<String> served = new ArrayList<>();
        first.turn().subscribe(v -> {}, e -> {}, () -> served.add("first"));
        third.turn().subscribe(v -> {}, e -> {}, () -> served.add("third"));
        second.turn().subscribe(v -> {}, e -> {}, () -> served.add("second"));
        assertThat(room.queued()).isEqualTo(2);
        assertThat(served).containsExactly("first");

        first.close();
        assertThat(served).containsExactly("first", "second");
        second.close();
        assertThat(served).containsExactly("first", "second", "third");
        third.close();
        assertThat(room.running()).isZero();
    }

    @Test
    void refusesWhenNobodyMoreMayWait() {
        for (int i = 0; i < 3; i++) {
            room.enter(Caller.ANYBODY);
        }

        assertThatThrownBy(() -> room.enter(Caller.ANYBODY))
                .isInstanceOfSatisfying(
                        FailureException.class, e -> assertThat(e.failure()).isEqualTo(Failure.OVERLOADED));
    }

    @Test
    void whoHasLessRightToWaitMakesRoom() {
        Ticket running = room.enter(Caller.ANYBODY);
        Ticket low = room.enter(new Caller("a", Priority.LOW));
        room.enter(Caller.ANYBODY);
        List<Throwable> errors = new ArrayList<>();
        low.turn().subscribe(v -> {}, errors::add);

        Ticket high = room.enter(new Caller("b", Priority.HIGH));

        assertThat(errors)
                .singleElement()
                .isInstanceOfSatisfying(
                        FailureException.class, e -> assertThat(e.failure()).isEqualTo(Failure.OVERLOADED));
        assertThat(room.queued()).isEqualTo(2);
        List<String> served = new ArrayList<>();
        high.turn().subscribe(v -> {}, e -> {}, () -> served.add("high"));
        low.close();
        running.close();
        assertThat(served).containsExactly("high");
        assertThat(room.queued()).isEqualTo(1);
    }

    @Test
    void waitsNoLongerThanItsPatience() {
        Ticket first = room.enter(Caller.ANYBODY);
        Ticket second = room.enter(Caller.ANYBODY);
        List<Throwable> errors = new ArrayList<>();
        second.turn().subscribe(v -> {}, errors::add);

        time.advanceTimeBy(Duration.ofSeconds(11));

        assertThat(errors)
                .singleElement()
                .isInstanceOfSatisfying(
                        FailureException.class, e -> assertThat(e.failure()).isEqualTo(Failure.DEADLINE_EXCEEDED));
        second.close();
        first.close();
        assertThat(room.running()).isZero();
    }

    @Test
    void patienceEndsWithTheTurn() {
        Ticket first = room.enter(Caller.ANYBODY);
        Ticket second = room.enter(Caller.ANYBODY);
        List<Throwable> errors = new ArrayList<>();
        second.turn().subscribe(v -> {}, errors::add);
        first.close();

        time.advanceTimeBy(Duration.ofSeconds(11));

        assertThat(errors).isEmpty();
        assertThat(room.running()).isEqualTo(1);
    }

    @Test
    void whoLeavesTheQueueTakesNoPlace() {
        Ticket first = room.enter(Caller.ANYBODY);
        room.enter(Caller.ANYBODY).close();

        assertThat(room.queued()).isZero();
        first.close();
        assertThat(room.running()).isZero();
    }

    @Test
    void whoLeavesBeforeLookingFreesItsPlace() {
        Ticket first = room.enter(Caller.ANYBODY);
        Ticket second = room.enter(Caller.ANYBODY);
        first.close(); // the turn of the second has come, and nobody has asked for it
        second.close();

        assertThat(room.running()).isZero();
    }

    @Test
    void closingTwiceFreesOnePlace() {
        Ticket first = room.enter(Caller.ANYBODY);
        room.enter(Caller.ANYBODY);
        room.enter(Caller.ANYBODY);
        first.close();
        first.close();

        assertThat(room.running()).isEqualTo(1);
        assertThat(room.queued()).isEqualTo(1);
    }

    @Test
    void manyWhoLeaveAsSoonAsTheyAreCalledDoNotPileUpOnTheStack() {
        WaitingRoom busy = new WaitingRoom(1, 100_000, Duration.ofSeconds(10), time);
        Ticket first = busy.enter(Caller.ANYBODY);
        for (int i = 0; i < 100_000; i++) {
            Ticket ticket = busy.enter(Caller.ANYBODY);
            ticket.turn().subscribe(v -> {}, e -> {}, ticket::close);
        }

        first.close();

        assertThat(busy.running()).isZero();
    }

    @Test
    void losesNoPlaceWhenManyComeAndLeaveAtOnce() throws InterruptedException {
        WaitingRoom busy = new WaitingRoom(4, 10_000, Duration.ofSeconds(30), Schedulers.parallel());
        try (ExecutorService clients = Executors.newFixedThreadPool(8)) {
            for (int i = 0; i < 4_000; i++) {
                boolean leaves = i % 3 == 0;
                clients.execute(() -> {
                    Ticket ticket = busy.enter(Caller.ANYBODY);
                    Disposable request = ticket.turn().subscribe(v -> {}, e -> {}, ticket::close);
                    if (leaves) {
                        request.dispose();
                        ticket.close();
                    }
                });
            }
            clients.shutdown();
            assertThat(clients.awaitTermination(30, TimeUnit.SECONDS)).isTrue();
        }

        assertThat(busy.running()).isZero();
        assertThat(busy.queued()).isZero();
    }
}
