// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.health;

import dev.tandem.core.time.Ticker;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.DoubleSupplier;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Breakers of many things that rarely fail: one is made with the first failure. Thread-safe.
 *
 * @param <K> what has a breaker
 */
public final class Breakers<K> {
    private final BreakerSettings settings;
    private final Ticker ticker;
    private final DoubleSupplier random;
    private final Map<K, Breaker> breakers = new ConcurrentHashMap<>();

    /**
     * Makes breakers.
     *
     * @param random numbers in [0, 1)
     */
    public Breakers(BreakerSettings settings, Ticker ticker, DoubleSupplier random) {
        this.settings = settings;
        this.ticker = ticker;
        this.random = random;
    }

    /** A request begins; if it is the one on probation its probation is returned, else null. */
    public Breaker.@Nullable Probation begins(K key) {
        Breaker known = breakers.get(key);
        return known == null ? null : known.begins();
    }

    /** Something has succeeded. */
    public void onSuccess(K key) {
        Breaker known = breakers.get(key);
        if (known != null) {
            known.onSuccess();
        }
    }

    /** Something has failed. */
    public void onFailure(K key) {
        breakers.computeIfAbsent(key, made -> new Breaker(settings, ticker, random))
                .onFailure();
    }

    /** Returns those that let nothing pass now. */
    public Set<K> barred() {
        if (breakers.isEmpty()) {
            return Set.of();
        }
        return breakers.entrySet().stream()
                .filter(entry -> !entry.getValue().admits())
                .map(Map.Entry::getKey)
                .collect(Collectors.toUnmodifiableSet());
    }

    /** Forgets those that are not as wanted. */
    public void retain(Predicate<K> wanted) {
        breakers.keySet().removeIf(wanted.negate());
    }
}
