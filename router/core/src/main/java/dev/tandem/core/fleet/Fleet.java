// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.health.Breaker;
import dev.tandem.core.health.Breakers;
import dev.tandem.core.health.ForwardProgress;
import dev.tandem.core.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/**
 * All workers with their health and load. Thread-safe.
 *
 * <p>A worker stays the same one as long as its id, address and role stay; otherwise it begins anew, as an unknown and
 * idle one. Load is what this gateway itself has sent; what engines say of theirs is apart ({@link EngineLoads}).
 */
public final class Fleet {
    private final FleetSettings settings;
    private final Ticker ticker;
    private final Listener listener;
    private final DoubleSupplier random;
    private final Breakers<WorkerPair> pairs;
    private final AtomicInteger openLeases = new AtomicInteger();

    /** Guards every change of {@link #states}, of health and of {@link #snapshot}; never held while calling out. */
    private final Object lock = new Object();

    /** Guarded by {@link #lock}: roles that are in panic. */
    private final Set<Role> panics = EnumSet.noneOf(Role.class);

    /** Guarded by {@link #lock}. */
    private final Set<WorkerPair> quarantined = new HashSet<>();

    /** By id, in the order of the ids. The map is replaced, never changed. */
    private volatile Map<String, WorkerState> states = Map.of();

    private volatile FleetSnapshot snapshot = new FleetSnapshot(List.of(), Set.of(), Set.of());

    private volatile Runnable relief = () -> {};
    private volatile boolean refused;

    /** Makes an empty fleet that tells nobody and whose times of ejection are exact. */
    public Fleet(FleetSettings settings, Ticker ticker) {
        this(settings, ticker, status -> {}, () -> 0.5);
    }

    /**
     * Makes an empty fleet that reports its changes.
     *
     * @param settings when a worker counts as healthy
     * @param ticker time for slow start and ejection
     * @param listener hears each change, on the thread that caused or noticed it
     * @param random numbers in [0, 1) that spread the ends of ejections
     */
    public Fleet(FleetSettings settings, Ticker ticker, Listener listener, DoubleSupplier random) {
        this.settings = settings;
        this.ticker = ticker;
        this.listener = listener;
        this.random = random;
        this.pairs = new Breakers<>(settings.breaker(), ticker, random);
    }

    /** Hears what changes. Must not block or throw. */
    @FunctionalInterface
    public interface Listener {
        /** The state of a worker is another one. */
        void onChange(WorkerStatus status);

        /** So many workers of a role and model are ejected that all get requests again, or no longer so many. */
        default void onPanic(Role role, boolean on) {}

        /** Pairs whose hand-overs fail get no requests for a while, or get them again. */
        default void onEjectedPairs(Set<WorkerPair> ejected) {}
    }

    /**
     * Sets which workers there are. Workers that stay keep their load and health; leases on those that go stay valid.
     *
     * @throws IllegalArgumentException when two workers have the same id
     */
    public void replace(List<Worker> workers) {
        Map<Role, Boolean> panicked;
        synchronized (lock) {
            Map<String, WorkerState> next = new LinkedHashMap<>();
            workers.stream().sorted(Comparator.comparing(Worker::id)).forEach(worker -> {
                if (next.put(worker.id(), state(worker)) != null) {
                    throw new IllegalArgumentException("worker id: " + worker.id() + " (expected: unique)");
                }
            });
            quarantined.removeIf(pair -> !stays(pair.prefill(), next) || !stays(pair.decode(), next));
            pairs.retain(pair -> stays(pair.prefill(), next) && stays(pair.decode(), next));
            states = Collections.unmodifiableMap(next);
            panicked = judgePools();
            publish();
        }
        panicked.forEach(listener::onPanic);
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
        return lease(worker, promptTokens, null);
    }

    /** As {@link #lease}, on the decode worker of a pair, which computes no prompt. */
    public Lease leaseDecode(WorkerPair pair, Worker decode) {
        Breaker.Probation probation = pairs.begins(pair);
        Lease lease = lease(decode, 0, probation);
        if (probation != null) {
            noticePairs();
        }
        return lease;
    }

    private Lease lease(Worker worker, long promptTokens, Breaker.@Nullable Probation ofPair) {
        if (promptTokens < 0) {
            throw new IllegalArgumentException("promptTokens: " + promptTokens + " (expected: >= 0)");
        }
        return new Lease(state(worker), promptTokens, ofPair, openLeases);
    }

    /**
     * A worker was probed. Unknown ids are ignored: the worker has left meanwhile. What changes with time alone is
     * noticed here, too, and who waits for a worker that does nothing is told if there are others.
     */
    public void onProbe(String workerId, Probe probe) {
        WorkerState probed = states.get(workerId);
        change(probed, state -> {
            state.onProbe(probe);
            if (!snapshot.current(state)) {
                publish();
            }
        });
        noticePairs();
        if (probed != null && probed.hopeless() && states().stream().anyMatch(other -> other.replaces(probed))) {
            probed.progress().giveUp();
        }
    }

    /** Whether a worker is down: another engine may come back in its place. */
    public boolean isDown(Worker worker) {
        WorkerState state = current(worker);
        return state != null && state.health().state() == WorkerStatus.State.DOWN;
    }

    /** Returns what tells whether a worker brings its requests forward. */
    public ForwardProgress progress(Worker worker) {
        return state(worker).progress();
    }

    /** A request on the worker failed. Failures that do not blame the worker change nothing. */
    public void onFailed(Worker worker, Failure failure) {
        if (failure.blamesWorker()) {
            change(current(worker), state -> state.health().onFailed(failure));
        }
    }

    /** A request on the worker succeeded, or has begun to be answered by a worker on probation. */
    public void onCompleted(Worker worker) {
        WorkerState state = current(worker);
        if (state == null) {
            return;
        }
        state.limit().onSuccess(state.inFlight());
        if (state.health().ejected()) {
            change(state, changed -> changed.health().onSucceeded());
        } else {
            state.health().onSucceeded();
        }
    }

    /**
     * A worker has refused a request because it is full.
     *
     * @param retryAfter when to ask again; zero when it has not said
     */
    public void onRefused(Worker worker, Duration retryAfter) {
        WorkerState state = current(worker);
        if (state != null) {
            refused = true;
            state.limit().onRefused(Math.max(1, state.inFlight()), retryAfter);
        }
    }

    /** The answer of a worker has begun; nothing is known yet of how it ends. */
    public void onAnswered(Worker worker) {
        WorkerState state = current(worker);
        if (state != null && state.health().ejected()) {
            change(state, changed -> changed.health().onSucceeded());
        }
    }

    /** A hand-over has come to its end, well or not. It tells of the pair when its workers are well. */
    public void onHandover(WorkerPair pair, boolean taken) {
        if (taken) {
            pairs.onSuccess(pair);
        } else if (well(pair.prefill()) && well(pair.decode())) {
            pairs.onFailure(pair);
        }
        noticePairs();
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

    /**
     * Whether any worker has ever refused a request: as long as none has, none has a limit, and nobody needs to look.
     */
    boolean everRefused() {
        return refused;
    }

    Collection<WorkerState> states() {
        return states.values();
    }

    /** Returns the state of a worker, one that nobody looks at when it has left. */
    WorkerState state(Worker worker) {
        WorkerState state = current(worker);
        return state != null ? state : newState(worker);
    }

    void whenRelieved(Runnable told) {
        relief = told;
    }

    private boolean well(String id) {
        WorkerState state = states.get(id);
        return state != null && state.health().state().serving();
    }

    private boolean stays(String id, Map<String, WorkerState> next) {
        return next.containsKey(id) && next.get(id) == states.get(id);
    }

    private WorkerState newState(Worker worker) {
        return new WorkerState(worker, settings, ticker, random, () -> relief.run());
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
        Map<Role, Boolean> panicked = Map.of();
        synchronized (lock) {
            FleetSnapshot before = snapshot;
            event.accept(state);
            if (state.noticed()) {
                changed = state.status();
            }
            if (changed != null && changed.state() == WorkerStatus.State.DOWN) {
                state.another();
            }
            if (changed != null || snapshot != before) {
                panicked = judgePools();
            }
        }
        if (changed != null) {
            listener.onChange(changed);
        }
        panicked.forEach(listener::onPanic);
    }

    /**
     * Where more than half of the workers of a role that serve the same models are ejected, ejecting them helps nobody:
     * all of them get requests. Those that do not answer at all count neither way.
     *
     * @return the roles in which that has begun or ended
     */
    private Map<Role, Boolean> judgePools() {
        Map<Role, Map<Set<String>, List<WorkerState>>> pools = new EnumMap<>(Role.class);
        for (WorkerState state : states.values()) {
            if (state.health().reachable()) {
                pools.computeIfAbsent(state.worker().role(), role -> new HashMap<>())
                        .computeIfAbsent(state.health().models(), models -> new ArrayList<>())
                        .add(state);
            }
        }
        Map<Role, Boolean> changed = new EnumMap<>(Role.class);
        for (Role role : Role.values()) {
            boolean panic = pools.getOrDefault(role, Map.of()).values().stream()
                    .map(WorkerState::panicked)
                    .reduce(false, Boolean::logicalOr);
            if (panic ? panics.add(role) : panics.remove(role)) {
                changed.put(role, panic);
            }
        }
        return changed;
    }

    private void noticePairs() {
        if (pairs.barred().equals(snapshot.ejected())) {
            return;
        }
        Set<WorkerPair> ejected;
        synchronized (lock) {
            publish();
            ejected = snapshot.ejected();
        }
        listener.onEjectedPairs(ejected);
    }

    private void publish() {
        List<FleetSnapshot.Entry> entries = new ArrayList<>();
        states.values().forEach(state -> entries.add(FleetSnapshot.Entry.of(state)));
        snapshot = new FleetSnapshot(entries, quarantined, pairs.barred());
    }
}
