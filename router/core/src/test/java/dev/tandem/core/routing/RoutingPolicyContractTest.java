// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import dev.tandem.core.fleet.FakeLoad;
import dev.tandem.core.fleet.Membership;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.fleet.Workers;
import dev.tandem.core.prefix.Fingerprint;
import dev.tandem.core.time.FakeTicker;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What every policy promises, and what those with affinity promise beyond it. */
class RoutingPolicyContractTest {
    private static final long SEED = 20_261_121;
    private static final int SIZE = 8;
    private static final Membership EIGHT = new Membership(Workers.workers(SIZE, Role.UNIFIED));

    static List<RoutingPolicies.Entry> policies() {
        return RoutingPolicies.ALL;
    }

    @ParameterizedTest
    @MethodSource("policies")
    void isKnownByItsName(RoutingPolicies.Entry entry) {
        assertThat(make(entry, 1).name()).isEqualTo(entry.name()).matches("[a-z]+(-[a-z]+)*");
        assertThat(RoutingPolicies.named(entry.name(), RoutingSettings.defaults(), () -> random(1), new FakeTicker())
                        .name())
                .isEqualTo(entry.name());
    }

    @Test
    void anUnknownNameStopsTheStartAndListsTheKnownOnes() {
        assertThatThrownBy(() ->
                        RoutingPolicies.named("fastest", RoutingSettings.defaults(), () -> random(1), new FakeTicker()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("policy: fastest (expected: one of prefix-hash, session, power-of-two, "
                        + "least-outstanding, round-robin, random)");
    }

    @ParameterizedTest
    @MethodSource("policies")
    void returnsNoneWhenNobodyIsThere(RoutingPolicies.Entry entry) {
        Selector selector = make(entry, 1).compile(Membership.EMPTY);
        assertThat(selector.select(request(1), new FakeLoad(0))).isEqualTo(Selector.NONE);
    }

    @ParameterizedTest
    @MethodSource("policies")
    void returnsNoneWhenNobodyIsEligible(RoutingPolicies.Entry entry) {
        Selector selector = make(entry, 1).compile(EIGHT);
        FakeLoad load = new FakeLoad(SIZE);
        java.util.Arrays.fill(load.eligible, false);
        for (int i = 0; i < 50; i++) {
            assertThat(selector.select(request(i), load)).isEqualTo(Selector.NONE);
        }
    }

    @ParameterizedTest
    @MethodSource("policies")
    void findsTheOnlyEligibleWorkerHoweverLoadedAndSlow(RoutingPolicies.Entry entry) {
        Selector selector = make(entry, 1).compile(EIGHT);
        FakeLoad load = new FakeLoad(SIZE);
        java.util.Arrays.fill(load.eligible, false);
        load.eligible[5] = true;
        load.capacity[5] = 0.01;
        load.pending[5] = 1_000_000;
        load.inFlight[5] = 1_000;
        for (int i = 0; i < 200; i++) {
            assertThat(selector.select(request(i), load)).isEqualTo(5);
        }
    }

    @ParameterizedTest
    @MethodSource("policies")
    void isDeterministicUnderASeed(RoutingPolicies.Entry entry) {
        assertThat(choices(entry, SEED)).isEqualTo(choices(entry, SEED));
    }

    @ParameterizedTest
    @MethodSource("policies")
    void spreadsDifferentRequestsOverAllWorkers(RoutingPolicies.Entry entry) {
        Selector selector = make(entry, SEED).compile(EIGHT);
        FakeLoad load = new FakeLoad(SIZE);
        int[] counts = new int[SIZE];
        for (int i = 0; i < 8_000; i++) {
            counts[selector.select(request(i), load)]++;
        }
        // Binomial, 1,000 expected, deviation 30: six of them.
        assertThat(counts).as("seed %d", SEED).satisfies(all -> {
            for (int count : all) {
                assertThat(count).isBetween(820, 1180);
            }
        });
    }

    @ParameterizedTest
    @MethodSource("policies")
    void aWorkerInSlowStartGetsLessThanTheOthersAndMoreThanNothing(RoutingPolicies.Entry entry) {
        Selector selector = make(entry, SEED).compile(EIGHT);
        FakeLoad load = new FakeLoad(SIZE);
        load.capacity[2] = 0.25;
        int[] got = new int[SIZE];
        for (int i = 0; i < 8_000; i++) {
            int slot = selector.select(request(i), load);
            load.inFlight[slot]++;
            got[slot]++;
        }
        // A quarter of a share is 276; power-of-two prefers the emptier of two and gives it twice that.
        assertThat(got[2]).as("seed %d", SEED).isBetween(100, 700);
    }

    @ParameterizedTest
    @ValueSource(strings = {"prefix-hash", "session"})
    void aKeyKeepsItsWorkerWhileLoadIsEven(String name) {
        Selector selector = make(name).compile(EIGHT);
        FakeLoad load = new FakeLoad(SIZE);
        SplittableRandom random = new SplittableRandom(SEED);
        int[] home = homes(selector, load, 500);
        for (int i = 0; i < 5_000; i++) {
            java.util.Arrays.setAll(load.pending, slot -> random.nextInt(1_500));
            java.util.Arrays.setAll(load.inFlight, slot -> random.nextInt(8));
            int key = random.nextInt(home.length);
            assertThat(selector.select(request(key), load)).as("seed %d", SEED).isEqualTo(home[key]);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"prefix-hash", "session"})
    void aLostWorkerMovesOnlyItsOwnKeysAndGetsThemBack(String name) {
        Selector selector = make(name).compile(EIGHT);
        FakeLoad load = new FakeLoad(SIZE);
        int[] before = homes(selector, load, 4_000);
        load.eligible[3] = false;
        int[] without = homes(selector, load, 4_000);
        load.eligible[3] = true;
        int[] heirs = new int[SIZE];
        for (int key = 0; key < before.length; key++) {
            if (before[key] == 3) {
                heirs[without[key]]++;
            } else {
                assertThat(without[key]).isEqualTo(before[key]);
            }
        }
        assertThat(heirs[3]).isZero();
        assertThat(java.util.stream.IntStream.of(heirs)
                        .filter(count -> count > 30)
                        .count())
                .isEqualTo(SIZE - 1);
        assertThat(homes(selector, load, 4_000)).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(strings = {"prefix-hash", "session"})
    void aNewWorkerTakesItsShareAndMovesNothingElse(String name) {
        Membership nine = new Membership(Workers.workers(SIZE + 1, Role.UNIFIED));
        RoutingPolicy policy = make(name);
        int[] before = homes(policy.compile(EIGHT), new FakeLoad(SIZE), 9_000);
        int[] after = homes(policy.compile(nine), new FakeLoad(SIZE + 1), 9_000);
        int moved = 0;
        for (int key = 0; key < before.length; key++) {
            if (after[key] != before[key]) {
                assertThat(after[key]).isEqualTo(SIZE);
                moved++;
            }
        }
        // Binomial, 1,000 expected, deviation 30: six of them.
        assertThat(moved).isBetween(820, 1180);
    }

    @ParameterizedTest
    @ValueSource(strings = {"prefix-hash", "session"})
    void keysReturnToAWorkerInSlowStartOneByOneAndForGood(String name) {
        Selector selector = make(name).compile(EIGHT);
        FakeLoad load = new FakeLoad(SIZE);
        int[] full = homes(selector, load, 2_000);
        boolean[] back = new boolean[full.length];
        int returned = 0;
        for (int step = 1; step <= 10; step++) {
            load.capacity[3] = step / 10.0;
            int[] now = homes(selector, load, 2_000);
            int here = 0;
            for (int key = 0; key < now.length; key++) {
                assertThat(now[key] == 3 || !back[key]).isTrue();
                back[key] = now[key] == 3;
                here += back[key] ? 1 : 0;
                assertThat(now[key] == full[key] || full[key] == 3).isTrue();
            }
            assertThat(here).isGreaterThan(returned);
            returned = here;
        }
    }

    @ParameterizedTest
    @MethodSource("policies")
    void neverPicksAnIneligibleWorkerInALongLife(RoutingPolicies.Entry entry) {
        SplittableRandom random = new SplittableRandom(SEED);
        RoutingPolicy policy = make(entry, SEED);
        List<Worker> all = Workers.workers(12, Role.UNIFIED);
        Membership members = EIGHT;
        Selector selector = policy.compile(members);
        FakeLoad load = new FakeLoad(SIZE);
        for (int step = 0; step < 100_000; step++) {
            int event = random.nextInt(1_000);
            if (event == 0) {
                List<Worker> next = new ArrayList<>(all);
                next.removeIf(worker -> random.nextInt(3) == 0);
                members = new Membership(next);
                selector = policy.compile(members);
                load = new FakeLoad(members.size());
            } else if (event < 100 && members.size() > 0) {
                int slot = random.nextInt(members.size());
                load.eligible[slot] = random.nextInt(3) > 0;
                load.capacity[slot] = random.nextInt(4) == 0 ? 0.1 + 0.9 * random.nextDouble() : 1;
                load.pending[slot] = random.nextInt(20_000);
                load.inFlight[slot] = random.nextInt(60);
            }
            int slot = selector.select(request(random.nextInt(64)), load);
            boolean somebody = false;
            for (boolean eligible : load.eligible) {
                somebody |= eligible;
            }
            if (somebody ? slot < 0 || !load.eligible[slot] : slot != Selector.NONE) {
                assertThat(slot).as("seed %d, step %d", SEED, step).isEqualTo(-2);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("policies")
    void allocatesNothingPerDecision(RoutingPolicies.Entry entry) {
        Membership members = new Membership(Workers.workers(64, Role.UNIFIED));
        SplittableRandom generator = random(SEED);
        RoutingPolicy policy = entry.factory().make(RoutingSettings.defaults(), () -> generator, new FakeTicker());
        Selector selector = policy.compile(members);
        FakeLoad load = new FakeLoad(64);
        RoutingRequest[] requests = new RoutingRequest[256];
        java.util.Arrays.setAll(requests, RoutingPolicyContractTest::request);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long sum = decide(selector, load, requests, 20_000);
        long before = threads.getCurrentThreadAllocatedBytes();
        long start = System.nanoTime();
        sum += decide(selector, load, requests, 20_000);
        long nanos = System.nanoTime() - start;
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        System.out.printf("%s: %d ns per decision at 64 workers (%d)%n", entry.name(), nanos / 20_000, sum);
        // The measurement itself may allocate a little; a byte per decision would be 20,000.
        assertThat(allocated).isLessThan(2_000);
    }

    private static long decide(Selector selector, FakeLoad load, RoutingRequest[] requests, int times) {
        long sum = 0;
        for (int i = 0; i < times; i++) {
            sum += selector.select(requests[i & 255], load);
        }
        return sum;
    }

    private static int[] homes(Selector selector, FakeLoad load, int keys) {
        int[] homes = new int[keys];
        java.util.Arrays.setAll(homes, key -> selector.select(request(key), load));
        return homes;
    }

    private static List<Integer> choices(RoutingPolicies.Entry entry, long seed) {
        Selector selector = make(entry, seed).compile(EIGHT);
        FakeLoad load = new FakeLoad(SIZE);
        List<Integer> choices = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            int slot = selector.select(i % 50 == 0 ? Requests.chat(Fingerprint.NONE, 0) : request(i % 70), load);
            load.inFlight[slot]++;
            load.pending[slot] += 100;
            choices.add(slot);
        }
        return choices;
    }

    private static RoutingPolicy make(String name) {
        return RoutingPolicies.named(name, RoutingSettings.defaults(), () -> random(SEED), new FakeTicker());
    }

    private static RoutingPolicy make(RoutingPolicies.Entry entry, long seed) {
        SplittableRandom generator = random(seed);
        return entry.factory().make(RoutingSettings.defaults(), () -> generator, new FakeTicker());
    }

    private static SplittableRandom random(long seed) {
        return new SplittableRandom(seed);
    }

    private static RoutingRequest request(int key) {
        return Requests.session("session-" + key, Requests.text("prompt number " + key), 200);
    }
}
