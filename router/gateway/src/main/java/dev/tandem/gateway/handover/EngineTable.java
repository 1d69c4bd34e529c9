// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import dev.tandem.core.lifecycle.EngineMessageListener.Verdict;
import dev.tandem.core.time.Ticker;
import java.net.URI;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The engines that have registered. Thread-safe.
 *
 * <p>An engine whose pings stop is forgotten when it does not pass its probes either: on a loaded host pings are late,
 * and a network that loses them may still carry requests. Those after whom nobody would be left stay for
 * {@link #GRACE}, so that a short cut of the network does not empty a fleet.
 *
 * <p>An address belongs to who registered it first, until the pings stop: of two engines that claim one address the
 * second is refused, and one that has restarted with another KV address gets in when its old self has expired. Between
 * the two it is gone, so that nobody takes it for the same engine.
 */
final class EngineTable {
    private static final Logger LOG = LoggerFactory.getLogger(EngineTable.class);

    /** Engines ping every 3 s; the proxies they come with forget them after 5 s, too. */
    static final Duration LIFE = Duration.ofSeconds(5);

    /** How long the last engines stay whose pings have stopped. */
    static final Duration GRACE = Duration.ofSeconds(30);

    private final int most;
    private final Ticker ticker;
    private final Registry.Watcher watcher;
    private final Map<URI, Entry> entries = new LinkedHashMap<>();

    /**
     * Makes an empty table.
     *
     * @param most most engines
     * @param ticker time of pings
     * @param watcher gets all engines after each change, one change at a time; must not block, throw or call back
     */
    EngineTable(int most, Ticker ticker, Registry.Watcher watcher) {
        this.most = most;
        this.ticker = ticker;
        this.watcher = watcher;
    }

    /** An engine has pinged. */
    synchronized Verdict onPing(RegisteredEngine engine) {
        prune();
        giveWay(engine);
        Entry known = entries.get(engine.baseUrl());
        if (known != null) {
            return known.engine.equals(engine) ? known.renew(ticker.nanoTime()) : Verdict.REFUSED;
        }
        if (entries.values().stream().anyMatch(entry -> entry.sharesPortsWith(engine))) {
            return Verdict.REFUSED;
        }
        if (entries.size() >= most) {
            return Verdict.LIMITED;
        }
        entries.put(engine.baseUrl(), new Entry(engine, ticker.nanoTime()));
        LOG.info(
                "engine registered role={} url={} kv={}",
                engine.role().tag(),
                engine.baseUrl(),
                engine.kv().hostAndPort());
        publish();
        return Verdict.ACCEPTED;
    }

    /** Forgets the engines whose pings have stopped, as far as they are not well. */
    synchronized void prune() {
        long now = ticker.nanoTime();
        List<Entry> expired = entries.values().stream()
                .filter(entry -> entry.silent(now, LIFE) && !watcher.passesProbes(entry.engine.baseUrl()))
                .toList();
        boolean last = expired.size() == entries.size();
        forget(last ? expired.stream().filter(entry -> entry.silent(now, GRACE)).toList() : expired);
    }

    /** One that is silent, and another who says that it is in its place: it has restarted, whatever its probes say. */
    private void giveWay(RegisteredEngine newcomer) {
        long now = ticker.nanoTime();
        forget(entries.values().stream()
                .filter(entry -> entry.silent(now, LIFE) && entry.standsInTheWayOf(newcomer))
                .toList());
    }

    private void forget(List<Entry> gone) {
        if (gone.isEmpty()) {
            return;
        }
        for (Entry entry : gone) {
            RegisteredEngine engine = entry.engine;
            LOG.info("engine gone role={} url={}", engine.role().tag(), engine.baseUrl());
            entries.remove(engine.baseUrl());
        }
        publish();
    }

    private void publish() {
        watcher.onChange(entries.values().stream().map(entry -> entry.engine).toList());
    }

    /** An engine and its last ping. Guarded by the table. */
    private static final class Entry {
        private final RegisteredEngine engine;
        private long pinged;

        private Entry(RegisteredEngine engine, long pinged) {
            this.engine = engine;
            this.pinged = pinged;
        }

        private Verdict renew(long now) {
            pinged = now;
            return Verdict.ACCEPTED;
        }

        private boolean silent(long now, Duration time) {
            return now - pinged > time.toNanos();
        }

        private boolean standsInTheWayOf(RegisteredEngine other) {
            return !engine.equals(other) && (engine.baseUrl().equals(other.baseUrl()) || sharesPortsWith(other));
        }

        private boolean sharesPortsWith(RegisteredEngine other) {
            return engine.kv().hostAndPort().equals(other.kv().hostAndPort());
        }
    }
}
