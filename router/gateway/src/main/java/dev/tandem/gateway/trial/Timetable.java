// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.trial;

import dev.tandem.core.fleet.WorkerPair;
import dev.tandem.core.lifecycle.TrialListener.Finding;
import dev.tandem.core.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * When which pair is tried. Thread-safe.
 *
 * <p>A pair that is new, or one of whose workers has come up again or says something new, is due at once; then after
 * the interval, or a tenth of it when the trial failed, give or take a fifth, so that pairs do not stay in step.
 */
final class Timetable {
    private static final int SOONER = 10;
    private static final double JITTER = 0.2;

    private final TrialSettings settings;
    private final Ticker ticker;
    private final Supplier<? extends RandomGenerator> random;

    /** Guarded by itself. */
    private final Map<WorkerPair, Entry> entries = new HashMap<>();

    Timetable(TrialSettings settings, Ticker ticker, Supplier<? extends RandomGenerator> random) {
        this.settings = settings;
        this.ticker = ticker;
        this.random = random;
    }

    /**
     * Returns the pairs whose trials begin now, those first that have waited longest; pairs that are not among those
     * given are forgotten.
     */
    List<TrialPair> due(List<TrialPair> pairs) {
        synchronized (entries) {
            long now = ticker.nanoTime();
            entries.keySet().retainAll(pairs.stream().map(TrialPair::key).collect(Collectors.toSet()));
            List<Entry> waiting = new ArrayList<>();
            int running = 0;
            for (TrialPair pair : pairs) {
                Entry entry = entries.computeIfAbsent(pair.key(), key -> new Entry(pair, now));
                entry.see(pair, now);
                running += entry.running ? 1 : 0;
                if (!entry.running && entry.dueNanos - now <= 0) {
                    waiting.add(entry);
                }
            }
            waiting.sort(Comparator.comparingLong(entry -> entry.dueNanos - now));
            List<Entry> begun =
                    waiting.subList(0, Math.min(waiting.size(), Math.max(0, settings.maxRunning() - running)));
            begun.forEach(entry -> entry.running = true);
            return begun.stream().map(entry -> entry.pair).toList();
        }
    }

    /** Notes how a trial ended and returns how the one before did, or null. */
    @Nullable
    Finding ended(TrialPair pair, Finding finding) {
        synchronized (entries) {
            Entry entry = entries.get(pair.key());
            if (entry == null) {
                return null;
            }
            Finding before = entry.last;
            entry.running = false;
            entry.last = finding;
            if (entry.pair.equals(pair)) {
                entry.dueNanos = ticker.nanoTime() + pause(finding).toNanos();
            }
            return before;
        }
    }

    private Duration pause(Finding finding) {
        Duration regular = finding == Finding.FAILED ? settings.interval().dividedBy(SOONER) : settings.interval();
        double factor = 1 - JITTER + 2 * JITTER * random.get().nextDouble();
        return Duration.ofNanos((long) (regular.toNanos() * factor));
    }

    /** One pair. Guarded by the map. */
    private static final class Entry {
        private TrialPair pair;
        private long dueNanos;
        private boolean running;
        private @Nullable Finding last;

        private Entry(TrialPair pair, long now) {
            this.pair = pair;
            this.dueNanos = now;
        }

        private void see(TrialPair seen, long now) {
            if (!pair.equals(seen)) {
                pair = seen;
                dueNanos = now;
            }
        }
    }
}
