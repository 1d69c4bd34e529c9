// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import io.netty.util.internal.PlatformDependent;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Clients that never read cost little, harm nobody, and are cut off. {@code -Dtandem.slow.readers} says how many there
 * are; each takes four files.
 */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@SuppressWarnings("StringConcatToTextBlock") // HTTP and event streams are read best as they are on the wire
final class SlowReaderIT {
    private static final int READERS = Integer.getInteger("tandem.slow.readers", 1_000);
    /** Growth of heap and direct memory together while a client that never reads is being served. */
    private static final long BOUND_BYTES_EACH = 256 << 10;

    private static final long DIRECT_BOUND_BYTES = 256L << 20;

    private static final String EVENT =
            "data: {\"choices\":[{\"delta\":{\"content\":\"" + "x".repeat(4_000) + "\"}}]}\n\n";
    private static final String ASK = "{\"model\":\"tiny\",\"stream\":true,\"messages\":[]}";

    @Test
    void readersThatNeverReadStayBelowTheBound() throws IOException {
        try (RawEngine engine = RawEngine.start("tiny");
                GatewayRig rig = GatewayRig.setup()
                        .worker("w1", engine.url(), Role.UNIFIED)
                        .set("tandem.edge.write-stall", "20s")
                        .start()) {
            AtomicInteger streams = new AtomicInteger();
            AtomicInteger cancelled = new AtomicInteger();
            AtomicLong offered = new AtomicLong();
            engine.on((request, wire) -> {
                wire.stream();
                streams.incrementAndGet();
                try {
                    while (true) {
                        wire.chunk(EVENT);
                        offered.addAndGet(EVENT.length());
                    }
                } finally {
                    cancelled.incrementAndGet();
                }
            });
            long before = usedBytes();
            List<RawClient> readers = new ArrayList<>();
            try {
                for (int i = 0; i < READERS; i++) {
                    readers.add(RawClient.open(rig.port(), 4_096).send("/v1/chat/completions", ASK));
                }
                Poll.until(() -> "streams begun: " + streams, () -> streams.get() == READERS);
                awaitStandstill(offered);
                long grown = usedBytes() - before;
                System.out.printf(
                        "slow readers: %d streams, %.1f MB offered and taken, %.1f MB grown (%.1f KB each), direct %.1f MB%n",
                        streams.get(),
                        offered.get() / 1e6,
                        grown / 1e6,
                        grown / 1e3 / READERS,
                        PlatformDependent.usedDirectMemory() / 1e6);
                assertThat(grown).isLessThan(READERS * BOUND_BYTES_EACH);
                assertThat(PlatformDependent.usedDirectMemory()).isLessThan(DIRECT_BOUND_BYTES);
                assertThat(rig.metric("netty_allocator_memory_used", "memory_type=\"direct\""))
                        .isBetween(1.0, (double) DIRECT_BOUND_BYTES);
                long full = System.nanoTime();

                engine.on((request, wire) -> wire.json(200, "{\"ok\":true}"));
                assertThat(RawClient.post(rig.port(), "/v1/completions", "{\"model\":\"tiny\",\"prompt\":\"a\"}")
                                .text())
                        .isEqualTo("{\"ok\":true}");
                Poll.until(() -> "cut off: " + cancelled + " of " + READERS, () -> cancelled.get() == READERS);
                System.out.printf("slow readers: all cut off %.1f s later%n", (System.nanoTime() - full) / 1e9);
                rig.assertNothingLeft();
                assertThat(rig.metric("tandem_edge_rejected_total", "reason=\"slow_reader\""))
                        .isEqualTo(READERS);
                Poll.until("all counted", () -> rig.metric("tandem_aborts_total") == READERS);
            } finally {
                for (RawClient reader : readers) {
                    reader.close();
                }
            }
        }
    }

    /** Waits until no stream takes anything any more: every buffer on the way is full. */
    private static void awaitStandstill(AtomicLong offered) {
        long[] last = {-1, 0};
        Poll.until(() -> "standstill, offered " + offered, () -> {
            long now = offered.get();
            last[1] = now == last[0] ? last[1] + 1 : 0;
            last[0] = now;
            return last[1] >= 100;
        });
    }

    private static long usedBytes() {
        System.gc();
        long direct = ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory() + Math.max(direct, PlatformDependent.usedDirectMemory());
    }
}
