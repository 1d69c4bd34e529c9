// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.time.Ticker;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Health of one worker, from probes and from requests. Changes under the lock of {@link Fleet}; may be read by anybody.
 *
 * <p>States: UNKNOWN until the first probe, then UP or DOWN. UP falls after {@code probesDown} bad probes or
 * {@code failuresDown} failed requests in a row, or one refused connection. DOWN rises after {@code probesUp} good
 * probes in a row, or after one when the worker has never been up. Draining is apart: it hides UP and changes nothing
 * else. Good probes do not forgive failed requests, because an engine may answer its health check and nothing more.
 */
final class WorkerHealth {
    private static final String OK = "ok";

    private final FleetSettings settings;
    private final Ticker ticker;
    private final Set<String> everListed = new HashSet<>();

    private volatile WorkerStatus.State probed = WorkerStatus.State.UNKNOWN;
    private volatile String reason = "not probed yet";
    private volatile boolean draining;
    private volatile Set<String> models = Set.of();
    private volatile EngineFacts facts = EngineFacts.UNKNOWN;

    /** The worker's return, while it starts slowly; null else. */
    private final AtomicReference<@Nullable Return> comeback = new AtomicReference<>();

    private final AtomicInteger starts = new AtomicInteger();
    private int goodProbes;
    private int badProbes;
    private volatile int failures;

    WorkerHealth(FleetSettings settings, Ticker ticker) {
        this.settings = settings;
        this.ticker = ticker;
    }

    WorkerStatus.State state() {
        WorkerStatus.State now = probed;
        return now == WorkerStatus.State.UP && draining ? WorkerStatus.State.DRAINING : now;
    }

    String reason() {
        return state() == WorkerStatus.State.DRAINING ? "draining" : reason;
    }

    Set<String> models() {
        return models;
    }

    EngineFacts facts() {
        return facts;
    }

    int starts() {
        return starts.get();
    }

    /** Returns the capacity in (0, 1]; reads the clock only while the worker starts slowly. */
    double capacity() {
        Return since = comeback.get();
        if (since == null) {
            return 1;
        }
        double share = (double) (ticker.nanoTime() - since.nanos())
                / settings.slowStart().toNanos();
        if (share >= 1) {
            comeback.compareAndSet(since, null);
            return 1;
        }
        double floor = settings.slowStartFloor();
        return floor + (1 - floor) * Math.max(0, share);
    }

    boolean everListed(String model) {
        return everListed.contains(model);
    }

    boolean hasListed() {
        return !everListed.isEmpty();
    }

    boolean hasFailures() {
        return failures > 0;
    }

    void onProbe(Probe probe) {
        switch (probe) {
            case Probe.Healthy good -> onGoodProbe(good);
            case Probe.Unhealthy(String why) -> onBadProbe(why);
        }
    }

    void onFailed(Failure failure) {
        if (!failure.blamesWorker() || probed != WorkerStatus.State.UP) {
            return;
        }
        int inARow = failures + 1;
        failures = inARow;
        if (failure == Failure.CONNECT_FAILED) {
            fall("connection refused or timed out");
        } else if (inARow >= settings.failuresDown()) {
            fall(inARow + " requests failed in a row, last: " + failure.code());
        }
    }

    void onCompleted() {
        failures = 0;
    }

    void drain(boolean on) {
        draining = on;
    }

    private void onGoodProbe(Probe.Healthy probe) {
        models = probe.models();
        facts = probe.facts();
        everListed.addAll(probe.models());
        badProbes = 0;
        goodProbes++;
        if (probed != WorkerStatus.State.UP && (starts() == 0 || goodProbes >= settings.probesUp())) {
            rise();
        }
    }

    private void onBadProbe(String why) {
        goodProbes = 0;
        badProbes++;
        if (probed == WorkerStatus.State.UP) {
            if (badProbes >= settings.probesDown()) {
                fall(why);
            }
        } else {
            fall(why);
        }
    }

    private void rise() {
        comeback.set(starts() > 0 && !settings.slowStart().isZero() ? new Return(ticker.nanoTime()) : null);
        starts.incrementAndGet();
        failures = 0;
        reason = OK;
        probed = WorkerStatus.State.UP;
    }

    private void fall(String why) {
        goodProbes = 0;
        reason = why;
        probed = WorkerStatus.State.DOWN;
    }

    /** When a worker came back. Immutable. */
    private record Return(long nanos) {}
}
