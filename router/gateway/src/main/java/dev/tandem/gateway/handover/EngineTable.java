// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import dev.tandem.core.lifecycle.EngineMessageListener.Verdict;
import dev.tandem.core.time.Ticker;
import java.net.URI;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The engines that have registered and still ping. Thread-safe.
 *
 * <p>An address belongs to who registered it first, until the pings stop: of two engines that claim one address the
 * second is refused, and one that has restarted with another KV address gets in when its old self has expired. Between
 * the two it is gone, so that nobody takes it for the same engine.
 */
final class EngineTable {
    private static final Logger LOG = LoggerFactory.getLogger(EngineTable.class);

    /** Engines ping every 3 s; the proxies they come with forget them after 5 s, too. */
    static final Duration LIFE = Duration.ofSeconds(5);

    private final int most;
    private final Ticker ticker;
    private final Consumer<List<RegisteredEngine>> onChange;
    private final Map<URI, Entry> entries = new LinkedHashMap<>();

    /**
     * Makes an empty table.
     *
     * @param most most engines
     * @param ticker time of pings
     * @param onChange gets all engines after each change, one change at a time; must not block, throw or call back
     */
    EngineTable(int most, Ticker ticker, Consumer<List<RegisteredEngine>> onChange) {
        this.most = most;
        this.ticker = ticker;
        this.onChange = onChange;
    }

    /** An engine has pinged. */
    synchronized Verdict onPing(RegisteredEngine engine) {
        prune();
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

    /** Forgets the engines whose pings have stopped. */
    synchronized void prune() {
        long now = ticker.nanoTime();
        if (entries.values().removeIf(entry -> entry.expired(now))) {
            publish();
        }
    }

    private void publish() {
        onChange.accept(entries.values().stream().map(entry -> entry.engine).toList());
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

        private boolean expired(long now) {
            boolean expired = now - pinged > LIFE.toNanos();
            if (expired) {
                LOG.info("engine gone role={} url={}", engine.role().tag(), engine.baseUrl());
            }
            return expired;
        }

        private boolean sharesPortsWith(RegisteredEngine other) {
            return engine.kv().hostAndPort().equals(other.kv().hostAndPort());
        }
    }
}
