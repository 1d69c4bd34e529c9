// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.time.Ticker;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * All workers with their health and load. Thread-safe.
 *
 * <p>A worker stays the same one as long as its id, address and role stay; otherwise it begins anew, as an unknown and
 * idle one. Load is what this gateway itself has sent; nothing is scraped.
 */
public final class Fleet {
    private final FleetSettings settings;
    private final Ticker ticker;
    private final Consumer<WorkerStatus> onChange;
    private final AtomicInteger openLeases = new AtomicInteger();

    /** Guards every change of {@link #states}, of health and of {@link #snapshot}; never held while calling out. */
    private final Object lock = new Object();

    /** Guarded by {@link #lock}. */
    private final Set<WorkerPair> quarantined = new HashSet<>();

    /** By id, in the order of the ids. The map is replaced, never changed. */
    private volatile Map<String, WorkerState> states = Map.of();

    private volatile FleetSnapshot snapshot = new FleetSnapshot(List.of(), Set.of());

    /** Makes an empty fleet. */
    public Fleet(FleetSettings settings, Ticker ticker) {
        this(settings, ticker, status -> {});
    }

    /**
     * Makes an empty fleet that reports its changes.
     *
     * @param settings when a worker counts as healthy
     * @param ticker time for slow start
     * @param onChange hears each change of a worker's state, on the thread that caused it; must not block or throw
     */
    public Fleet(FleetSettings settings, Ticker ticker, Consumer<WorkerStatus> onChange) {
        this.settings = settings;
        this.ticker = ticker;
        this.onChange = onChange;
    }

    /**
     * Sets which workers there are. Workers that stay keep their load and health; leases on those that go stay valid.
     *
     * @throws IllegalArgumentException when two workers have the same id
     */
    public void replace(List<Worker> workers) {
        synchronized (lock) {
            Map<String, WorkerState> next = new LinkedHashMap<>();
            workers.stream().sorted(Comparator.comparing(Worker::id)).forEach(worker -> {
                if (next.put(worker.id(), kept(worker)) != null) {
                    throw new IllegalArgumentException("worker id: " + worker.id() + " (expected: unique)");
                }
            });
            quarantined.removeIf(pair -> !stays(pair.prefill(), next) || !stays(pair.decode(), next));
            states = Collections.unmodifiableMap(next);
            publish();
        }
    }

    /** Returns the workers in the order of their ids. */
    public List<Worker> workers() {
        return states.values().stream().map(WorkerState::worker).toList();
    }

    /** Returns every worker as it is now, in the order of their ids. */
    public List<WorkerStatus> statuses() {
        return states.values().stream().map(WorkerState::status).toList();
    }

    /** Returns a worker as it is now; empty when it has left the fleet. */
    public Optional<WorkerStatus> status(Worker worker) {
        return Optional.ofNullable(current(worker)).map(WorkerState::status);
    }

    /** Returns the union of the models that the workers last listed, also those of workers that are down now. */
    public SortedSet<String> models() {
        return snapshot.models();
    }

    /** Whether a worker of the fleet has ever listed the model; true for null, which stands for any model. */
    public boolean knows(@Nullable String model) {
        if (model == null || models().contains(model)) {
            return true;
        }
        synchronized (lock) {
            return states.values().stream().anyMatch(state -> state.health().everListed(model));
        }
    }

    /** Whether some worker has ever listed a model: before that, nobody can say that a model does not exist. */
    public boolean hasListedModels() {
        synchronized (lock) {
            return states.values().stream().anyMatch(state -> state.health().hasListed());
        }
    }

    /** Returns the workers and their models; the same object until either changes. */
    public FleetSnapshot snapshot() {
        return snapshot;
    }

    /**
     * Counts a request on a worker, on the lowest free seat. A worker that has just left the fleet gets a lease too.
     *
     * @param worker where the request goes
     * @param promptTokens tokens of the prompt that it has to compute, at least 0
     */
    public Lease lease(Worker worker, long promptTokens) {
        if (promptTokens < 0) {
            throw new IllegalArgumentException("promptTokens: " + promptTokens + " (expected: >= 0)");
        }
        WorkerState state = current(worker);
        return new Lease(state != null ? state : new WorkerState(worker, settings, ticker), promptTokens, openLeases);
    }

    /** A worker was probed. Unknown ids are ignored: the worker has left meanwhile. */
    public void onProbe(String workerId, Probe probe) {
        change(states.get(workerId), state -> {
            state.health().onProbe(probe);
            if (!snapshot.current(state)) {
                publish();
            }
        });
    }

    /** A request on the worker failed. Failures that do not blame the worker change nothing. */
    public void onFailed(Worker worker, Failure failure) {
        if (failure.blamesWorker()) {
            change(current(worker), state -> state.health().onFailed(failure));
        }
    }

    /** A request on the worker succeeded: its failed ones no longer follow each other. */
    public void onCompleted(Worker worker) {
        WorkerState state = current(worker);
        if (state != null && state.health().hasFailures()) {
            change(state, changed -> changed.health().onCompleted());
        }
    }

    /** Begins or ends the draining of a worker. Unknown ids are ignored. */
    public void drain(String workerId, boolean draining) {
        change(states.get(workerId), state -> state.health().drain(draining));
    }

    /**
     * Puts a pair in quarantine, or lets it out: as long as it is there it gets no request. A pair one of whose workers
     * has left is ignored.
     */
    public void quarantine(WorkerPair pair, boolean on) {
        synchronized (lock) {
            boolean known = states.containsKey(pair.prefill()) && states.containsKey(pair.decode());
            if ((known && on) ? quarantined.add(pair) : quarantined.remove(pair)) {
                publish();
            }
        }
    }

    /** Returns the number of open leases on all workers, those that have left included. */
    public int leases() {
        return openLeases.get();
    }

    private boolean stays(String id, Map<String, WorkerState> next) {
        return next.containsKey(id) && next.get(id) == states.get(id);
    }

    private WorkerState kept(Worker worker) {
        WorkerState before = current(worker);
        return before != null ? before : new WorkerState(worker, settings, ticker);
    }

    private @Nullable WorkerState current(Worker worker) {
        WorkerState state = states.get(worker.id());
        return state != null && state.worker().equals(worker) ? state : null;
    }

    private void change(@Nullable WorkerState state, Consumer<WorkerState> event) {
        if (state == null) {
            return;
        }
        WorkerStatus changed = null;
        synchronized (lock) {
            WorkerStatus.State before = state.health().state();
            event.accept(state);
            if (state.health().state() != before) {
                changed = state.status();
            }
        }
        if (changed != null) {
            onChange.accept(changed);
        }
    }

    private void publish() {
        List<FleetSnapshot.Entry> entries = new ArrayList<>();
        states.values().forEach(state -> entries.add(FleetSnapshot.Entry.of(state)));
        snapshot = new FleetSnapshot(entries, quarantined);
    }
}
