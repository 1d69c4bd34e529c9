// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Which workers there are and which models they serve, between two changes of either. Immutable, so whatever is derived
 * from it stays valid until {@link Fleet#snapshot()} returns another one. Health and load are not part of it: the pools
 * read them live.
 */
public final class FleetSnapshot {
    /** A worker and what it last said. */
    record Entry(WorkerState state, Set<String> models, EngineFacts facts) {
        static Entry of(WorkerState state) {
            return new Entry(state, state.health().models(), state.health().facts());
        }

        private boolean serves(@Nullable String model, Set<Role> roles) {
            return roles.contains(state.worker().role()) && (model == null || models.contains(model));
        }
    }

    private final List<Entry> entries;
    private final SortedSet<String> models;
    private final Set<WorkerPair> quarantined;
    private final Set<WorkerPair> ejected;

    /**
     * Makes a snapshot.
     *
     * @param entries the workers, in the order of their ids
     * @param quarantined pairs that must not be used
     * @param ejected pairs that are better not used for a while
     */
    FleetSnapshot(List<Entry> entries, Set<WorkerPair> quarantined, Set<WorkerPair> ejected) {
        this.entries = List.copyOf(entries);
        this.quarantined = Set.copyOf(quarantined);
        this.ejected = Set.copyOf(ejected);
        TreeSet<String> union = new TreeSet<>();
        entries.forEach(entry -> union.addAll(entry.models()));
        this.models = Collections.unmodifiableSortedSet(union);
    }

    /** Returns the models that the workers last listed, also those of workers that are down. */
    public SortedSet<String> models() {
        return models;
    }

    /** Returns the pairs that hand over something else than they should. */
    public Set<WorkerPair> quarantined() {
        return quarantined;
    }

    /** Returns the pairs whose hand-overs fail while their workers are well. */
    public Set<WorkerPair> ejected() {
        return ejected;
    }

    /** Returns the workers of the given roles that list the model, whether up or not; null stands for any model. */
    public Pool pool(@Nullable String model, Set<Role> roles) {
        return pool(model, roles, (role, facts) -> true);
    }

    /** Returns those of the workers of the given roles and model that are able, by their role and what they said. */
    public Pool pool(@Nullable String model, Set<Role> roles, BiPredicate<Role, EngineFacts> able) {
        WorkerState[] states = entries.stream()
                .filter(entry -> entry.serves(model, roles))
                .filter(entry -> able.test(entry.state().worker().role(), entry.facts()))
                .map(Entry::state)
                .toArray(WorkerState[]::new);
        return new Pool(
                new Membership(Arrays.stream(states).map(WorkerState::worker).toList()), new LiveLoad(states));
    }

    /** Returns what the engines of the pool of that model and those roles last said, in the order of the slots. */
    public List<EngineFacts> facts(@Nullable String model, Set<Role> roles) {
        return entries.stream()
                .filter(entry -> entry.serves(model, roles))
                .map(Entry::facts)
                .toList();
    }

    /** Whether a worker still says what it said when this snapshot was taken. */
    boolean current(WorkerState state) {
        return entries.contains(Entry.of(state));
    }

    /** Load of some workers as it is when asked. Thread-safe. */
    private static final class LiveLoad implements LoadView {
        private final WorkerState[] states;

        private LiveLoad(WorkerState[] states) {
            this.states = states;
        }

        @Override
        public int inFlight(int slot) {
            return states[slot].inFlight();
        }

        @Override
        public long pendingTokens(int slot) {
            return states[slot].pendingTokens();
        }

        @Override
        public double capacity(int slot) {
            return states[slot].capacity();
        }

        @Override
        public boolean eligible(int slot) {
            return states[slot].eligible();
        }
    }
}
