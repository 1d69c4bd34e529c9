// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.notice;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/**
 * An engine that says every few seconds that it is there, as vLLM's P2pNcclConnector and MoRIIOConnector do: a DEALER
 * whose identity is the engine's KV address, and one frame with a map. There is no answer. Thread-safe.
 */
public final class Registration implements AutoCloseable {
    /** vLLM's interval. */
    public static final Duration INTERVAL = Duration.ofSeconds(3);

    private final ZmqSender socket;
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(
            task -> Thread.ofPlatform().daemon().name("sim-registration").unstarted(task));

    private final ScheduledFuture<?> beat;

    private Registration(ZmqSender socket, byte[] message, Duration interval, Courier courier) {
        this.socket = socket;
        this.beat = clock.scheduleAtFixedRate(
                () -> courier.deliver(() -> socket.send(message)), 0, interval.toNanos(), TimeUnit.NANOSECONDS);
    }

    /**
     * Begins to tell a router.
     *
     * @param router Where it listens, {@code host:port}.
     * @param identity The engine's KV address.
     * @param fields What is said each time.
     * @param interval Time between two messages.
     * @param courier Loses some of them.
     */
    public static Registration start(
            String router, String identity, Map<String, ?> fields, Duration interval, Courier courier) {
        return new Registration(ZmqSender.dealer(identity, router), MsgPack.map(fields), interval, courier);
    }

    @Override
    public void close() {
        beat.cancel(false);
        clock.shutdown();
        socket.close();
    }
}
