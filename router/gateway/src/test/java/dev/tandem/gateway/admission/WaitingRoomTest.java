// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.prefix.Fingerprint;
import dev.tandem.core.request.ApiKind;
import dev.tandem.core.request.Caller;
import dev.tandem.core.request.Caller.Priority;
import dev.tandem.core.routing.RoutingRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.scheduler.Schedulers;
import reactor.test.scheduler.VirtualTimeScheduler;

class WaitingRoomTest {
    private static final RoutingRequest REQUEST = of("m");
    private static final RoutingRequest OTHER = of("n");

    private final Set<RoutingRequest> open = new HashSet<>(Set.of(REQUEST));
    private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
    private final WaitingRoom room = new WaitingRoom(1, 2, Duration.ofSeconds(10), () -> open::contains, time);

    @Test
    void firstComeFirstServed() {
        Ticket first = room.enter(Caller.ANYBODY, REQUEST);
        Ticket second = room.enter(Caller.ANYBODY, REQUEST);
        Ticket third = room.enter(Caller.ANYBODY, REQUEST);
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
            room.enter(Caller.ANYBODY, REQUEST);
        }

        assertThatThrownBy(() -> room.enter(Caller.ANYBODY, REQUEST))
                .isInstanceOfSatisfying(
                        FailureException.class, e -> assertThat(e.failure()).isEqualTo(Failure.OVERLOADED));
    }

    @Test
    void whoHasLessRightToWaitMakesRoom() {
        Ticket running = room.enter(Caller.ANYBODY, REQUEST);
        Ticket low = room.enter(new Caller("a", Priority.LOW), REQUEST);
        room.enter(Caller.ANYBODY, REQUEST);
        List<Throwable> errors = new ArrayList<>();
        low.turn().subscribe(v -> {}, errors::add);

        Ticket high = room.enter(new Caller("b", Priority.HIGH), REQUEST);

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
        Ticket first = room.enter(Caller.ANYBODY, REQUEST);
        Ticket second = room.enter(Caller.ANYBODY, REQUEST);
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
        Ticket first = room.enter(Caller.ANYBODY, REQUEST);
        Ticket second = room.enter(Caller.ANYBODY, REQUEST);
        List<Throwable> errors = new ArrayList<>();
        second.turn().subscribe(v -> {}, errors::add);
        first.close();

        time.advanceTimeBy(Duration.ofSeconds(11));

        assertThat(errors).isEmpty();
        assertThat(room.running()).isEqualTo(1);
    }

    @Test
    void whoLeavesTheQueueTakesNoPlace() {
        Ticket first = room.enter(Caller.ANYBODY, REQUEST);
        room.enter(Caller.ANYBODY, REQUEST).close();

        assertThat(room.queued()).isZero();
        first.close();
        assertThat(room.running()).isZero();
    }

    @Test
    void whoLeavesBeforeLookingFreesItsPlace() {
        Ticket first = room.enter(Caller.ANYBODY, REQUEST);
        Ticket second = room.enter(Caller.ANYBODY, REQUEST);
        first.close(); // the turn of the second has come, and nobody has asked for it
        second.close();

        assertThat(room.running()).isZero();
    }

    @Test
    void closingTwiceFreesOnePlace() {
        Ticket first = room.enter(Caller.ANYBODY, REQUEST);
        room.enter(Caller.ANYBODY, REQUEST);
        room.enter(Caller.ANYBODY, REQUEST);
        first.close();
        first.close();

        assertThat(room.running()).isEqualTo(1);
        assertThat(room.queued()).isEqualTo(1);
    }

    @Test
    void manyWhoLeaveAsSoonAsTheyAreCalledDoNotPileUpOnTheStack() {
        WaitingRoom busy = new WaitingRoom(1, 100_000, Duration.ofSeconds(10), () -> all -> true, time);
        Ticket first = busy.enter(Caller.ANYBODY, REQUEST);
        for (int i = 0; i < 100_000; i++) {
            Ticket ticket = busy.enter(Caller.ANYBODY, REQUEST);
            ticket.turn().subscribe(v -> {}, e -> {}, ticket::close);
        }

        first.close();

        assertThat(busy.running()).isZero();
    }

    @Test
    void losesNoPlaceWhenManyComeAndLeaveAtOnce() throws InterruptedException {
        WaitingRoom busy = new WaitingRoom(4, 10_000, Duration.ofSeconds(30), () -> all -> true, Schedulers.parallel());
        try (ExecutorService clients = Executors.newFixedThreadPool(8)) {
            for (int i = 0; i < 4_000; i++) {
                boolean leaves = i % 3 == 0;
                clients.execute(() -> {
                    Ticket ticket = busy.enter(Caller.ANYBODY, REQUEST);
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

    @Test
    void whoHasNoEngineWaitsBesideFreePlacesAndHoldsNobodyUp() {
        WaitingRoom large = new WaitingRoom(8, 2, Duration.ofSeconds(10), () -> open::contains, time);
        Ticket held = large.enter(Caller.ANYBODY, OTHER);
        Ticket goes = large.enter(Caller.ANYBODY, REQUEST);
        assertThat(held.heldBack()).isTrue();
        assertThat(goes.heldBack()).isFalse();
        assertThat(called(goes)).isTrue();
        assertThat(called(held)).isFalse();
        assertThat(large.running()).isEqualTo(1);

        goes.close();
        assertThat(called(held)).isFalse();
        open.add(OTHER);
        large.call();
        assertThat(called(held)).isTrue();
        assertThat(large.queued()).isZero();
    }

    @Test
    void aNewcomerDoesNotOvertakeThoseWhoWaitForTheSameEngine() {
        WaitingRoom large = new WaitingRoom(8, 2, Duration.ofSeconds(10), () -> request -> !open.isEmpty(), time);
        open.clear();
        List<String> served = new ArrayList<>();
        large.enter(Caller.ANYBODY, REQUEST).turn().subscribe(v -> {}, e -> {}, () -> {
            served.add("first");
            open.clear(); // there was room for one
        });
        open.add(REQUEST);
        Ticket second = large.enter(Caller.ANYBODY, REQUEST);

        assertThat(served).containsExactly("first");
        assertThat(called(second)).isFalse();
        assertThat(second.heldBack()).as("others were before it").isFalse();
    }

    @Test
    void whoCanGoNeedsNoChair() {
        WaitingRoom large = new WaitingRoom(8, 1, Duration.ofSeconds(10), () -> open::contains, time);
        Ticket held = large.enter(Caller.ANYBODY, OTHER);
        Ticket goes = large.enter(Caller.ANYBODY, REQUEST);

        assertThat(called(goes)).isTrue();
        assertThat(large.queued()).isEqualTo(1);
        assertThatThrownBy(() -> large.enter(Caller.ANYBODY, OTHER))
                .isInstanceOfSatisfying(
                        FailureException.class, e -> assertThat(e.failure()).isEqualTo(Failure.OVERLOADED));
        held.close();
    }

    @Test
    void theGateIsAskedAnewWhenOneHasGone() {
        int[] room = {0};
        WaitingRoom large = new WaitingRoom(8, 4, Duration.ofSeconds(10), () -> request -> room[0] > 0, time);
        List<Ticket> held = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            Ticket ticket = large.enter(Caller.ANYBODY, REQUEST);
            ticket.turn().subscribe(v -> {}, e -> {}, () -> room[0]--);
            held.add(ticket);
        }
        room[0] = 3;
        large.call();

        assertThat(held).map(WaitingRoomTest::called).containsExactly(true, true, true, false);
    }

    @Test
    void whoWaitsForAnEngineInVainIsToldSo() {
        WaitingRoom large = new WaitingRoom(8, 2, Duration.ofSeconds(10), () -> open::contains, time);
        Ticket held = large.enter(Caller.ANYBODY, OTHER);
        List<Throwable> errors = new ArrayList<>();
        held.turn().subscribe(v -> {}, errors::add);

        time.advanceTimeBy(Duration.ofSeconds(11));

        assertThat(errors).singleElement().isInstanceOfSatisfying(FailureException.class, e -> {
            assertThat(e.failure()).isEqualTo(Failure.OVERLOADED);
            assertThat(e.detail()).isEqualTo("all workers that serve the request have been full for 10 s");
        });
        assertThat(large.queued()).isZero();
    }

    private static boolean called(Ticket ticket) {
        boolean[] called = {false};
        ticket.turn().subscribe(v -> {}, e -> {}, () -> called[0] = true);
        return called[0];
    }

    private static RoutingRequest of(String model) {
        return new RoutingRequest(ApiKind.CHAT, model, Fingerprint.NONE, 10, null, false);
    }
}
