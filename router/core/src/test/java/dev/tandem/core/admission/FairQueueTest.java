// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.admission;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.request.Caller;
import dev.tandem.core.request.Caller.Priority;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class FairQueueTest {
    private final FairQueue<String> queue = new FairQueue<>();

    private static Caller caller(String tenant) {
        return new Caller(tenant, Priority.NORMAL);
    }

    private void add(String tenant, Priority priority, String... items) {
        for (String item : items) {
            queue.add(new Caller(tenant, priority), item);
        }
    }

    private List<String> all() {
        List<String> polled = new ArrayList<>();
        for (String next = queue.poll(item -> true); next != null; next = queue.poll(item -> true)) {
            polled.add(next);
        }
        return polled;
    }

    @Test
    void ofOneTenantWhoCameFirst() {
        add("a", Priority.NORMAL, "1", "2", "3");
        assertThat(queue.size()).isEqualTo(3);
        assertThat(all()).containsExactly("1", "2", "3");
        assertThat(queue.size()).isZero();
    }

    @Test
    void tenantsTakeTurns() {
        add("a", Priority.NORMAL, "a1", "a2", "a3", "a4");
        add("b", Priority.NORMAL, "b1");
        add("c", Priority.NORMAL, "c1", "c2");
        assertThat(all()).containsExactly("a1", "b1", "c1", "a2", "c2", "a3", "a4");
    }

    @Test
    void whoComesAgainIsBehindTheOthers() {
        add("a", Priority.NORMAL, "a1");
        add("b", Priority.NORMAL, "b1", "b2");
        assertThat(queue.poll(item -> true)).isEqualTo("a1");
        add("a", Priority.NORMAL, "a2");
        assertThat(all()).containsExactly("b1", "a2", "b2");
    }

    @Test
    void urgentOnesFirst() {
        add("a", Priority.LOW, "low");
        add("a", Priority.NORMAL, "normal");
        add("b", Priority.HIGH, "high");
        assertThat(all()).containsExactly("high", "normal", "low");
    }

    @Test
    void whoLeavesIsForgotten() {
        add("a", Priority.NORMAL, "a1", "a2");
        add("b", Priority.NORMAL, "b1");
        assertThat(queue.remove(caller("b"), "b1")).isTrue();
        assertThat(queue.remove(caller("b"), "b1")).isFalse();
        assertThat(queue.remove(caller("a"), "a1")).isTrue();
        assertThat(queue.size()).isEqualTo(1);
        assertThat(all()).containsExactly("a2");
    }

    @Test
    void theLeastUrgentMakeRoom() {
        add("a", Priority.HIGH, "h1", "h2", "h3", "h4");
        add("a", Priority.NORMAL, "n1");
        add("b", Priority.LOW, "l1", "l2");
        assertThat(queue.displace(new Caller("c", Priority.HIGH))).isEqualTo("l2");
        assertThat(queue.displace(new Caller("c", Priority.NORMAL))).isEqualTo("l1");
        assertThat(queue.displace(new Caller("c", Priority.NORMAL))).isNull();
        assertThat(queue.displace(new Caller("c", Priority.HIGH))).isEqualTo("n1");
        assertThat(queue.size()).isEqualTo(4);
    }

    @Test
    void whoHasMostMakesRoomForWhoHasLess() {
        add("a", Priority.NORMAL, "a1", "a2", "a3");
        add("b", Priority.NORMAL, "b1");
        assertThat(queue.displace(caller("c"))).isEqualTo("a3");
        assertThat(queue.displace(caller("b"))).isNull();
        assertThat(queue.displace(caller("a"))).isNull();
        assertThat(queue.displace(caller("c"))).isEqualTo("a2");
        assertThat(queue.displace(caller("c"))).isNull();
        assertThat(all()).containsExactly("a1", "b1");
    }

    @Test
    void nobodyMakesRoomInAnEmptyQueue() {
        assertThat(queue.displace(caller("a"))).isNull();
        assertThat(queue.size()).isZero();
    }

    /** Whatever one tenant does, the others get at least their turn: of n tenants that wait, one turn in n. */
    @Test
    void nobodyIsStarvedByOthersOfHisPriority() {
        SplittableRandom random = new SplittableRandom(7);
        add("small", Priority.NORMAL, "small");
        int waited = 0;
        int tenants = 5;
        while (true) {
            for (int i = random.nextInt(20); i > 0; i--) {
                add("t" + random.nextInt(tenants), Priority.NORMAL, "other");
            }
            if ("small".equals(queue.poll(item -> true))) {
                break;
            }
            waited++;
        }
        assertThat(waited).isLessThanOrEqualTo(tenants);
    }

    @Test
    void whoIsNotReadyHoldsNobodyElseUp() {
        add("a", Priority.HIGH, "x1");
        add("a", Priority.NORMAL, "x2", "a3", "a4");
        add("b", Priority.NORMAL, "x5", "b6");
        assertThat(ready()).isEqualTo("a3");
        assertThat(ready()).as("b is next").isEqualTo("b6");
        assertThat(ready()).isEqualTo("a4");
        assertThat(ready()).isNull();
        assertThat(queue.size()).isEqualTo(3);
        assertThat(all()).as("the others kept their places").containsExactly("x1", "x5", "x2");
    }

    private @Nullable String ready() {
        return queue.poll(item -> !item.startsWith("x"));
    }
}
