// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One run: warms every subject up, then measures all of them in rounds with rotating order. Used by one thread. */
final class Comparison {
    private static final String TAKEN = "taken";
    private static final int UNMEASURED = 4;

    private final Amounts amounts;
    private final List<Site> sites;
    private final Gateway gateway;
    private final int peerPort;
    private final PrintStream progress;
    private final Journals journals = new Journals();

    /**
     * How much is measured.
     *
     * @param rounds Windows of each subject and setting.
     * @param single Length of a window with one client.
     * @param loaded Length of a window with several.
     * @param clients How many these are.
     * @param warmup Exchanges with each subject before the first round.
     */
    record Amounts(int rounds, Duration single, Duration loaded, int clients, int warmup) {
        private Clients.Amount of(Setting setting) {
            return switch (setting) {
                case SINGLE -> new Clients.Amount(1, UNMEASURED, single.toNanos(), Integer.MAX_VALUE);
                case LOADED -> new Clients.Amount(clients, UNMEASURED, loaded.toNanos(), Integer.MAX_VALUE);
            };
        }

        private Clients.Amount warmUp() {
            return new Clients.Amount(clients, 0, Duration.ofMinutes(1).toNanos(), Math.ceilDiv(warmup, clients));
        }
    }

    Comparison(Amounts amounts, List<Site> sites, Gateway gateway, int peerPort, PrintStream progress) {
        this.amounts = amounts;
        this.sites = sites;
        this.gateway = gateway;
        this.peerPort = peerPort;
        this.progress = progress;
    }

    /** Measures and returns a row for each subject, in their order. */
    List<Row> run(List<Subject> subjects) throws IOException {
        List<Row> rows = subjects.stream().map(Row::new).toList();
        for (Subject subject : subjects) {
            Measurement warm = measure(subject, amounts.warmUp());
            progress.printf(Locale.ROOT, "warm-up %-24s %5d %s%n", subject.name(), warm.exchanges(), warm.fault());
        }
        for (int round = 0; round < amounts.rounds(); round++) {
            List<Row> order = new ArrayList<>(rows);
            Collections.rotate(order, round * rows.size() / amounts.rounds());
            for (Setting setting : Setting.values()) {
                for (Row row : order) {
                    Measurement measurement = measure(row.subject(), amounts.of(setting));
                    row.measured(setting, measurement);
                    tell(round + 1, setting, row.subject(), measurement);
                }
            }
        }
        return rows;
    }

    private void tell(int round, Setting setting, Subject subject, Measurement measurement) {
        progress.printf(
                Locale.ROOT,
                "round %d %-6s %-24s %5d exchanges, %6.0f us (%4.0f + %4.0f + %4.0f), p99 %6.0f us %s%n",
                round,
                setting,
                subject.name(),
                measurement.exchanges(),
                measurement.p50(),
                measurement.before(),
                measurement.between(),
                measurement.after(),
                measurement.p99(),
                measurement.fault());
    }

    private Measurement measure(Subject subject, Clients.Amount amount) throws IOException {
        List<Site> engines = sites.stream()
                .filter(site -> site.pool().equals(subject.pool().name()))
                .toList();
        for (Site engine : engines) {
            journals.clear(engine);
        }
        boolean counted = subject.way() == Subject.Way.TANDEM && subject.handsOver();
        Map<String, Long> before = counted ? gateway.handovers(subject.pool().name()) : Map.of();
        Clients.Asked asked = new Clients(subject.pool().name(), askers(subject, engines)).run(amount);
        Map<String, Long> after = counted ? gateway.handovers(subject.pool().name()) : Map.of();
        @Nullable Map<Integer, EngineTimes> prefill = subject.handsOver() ? journals.legs(engines.getLast()) : null;
        Measurement.Legs legs = new Measurement.Legs(prefill, journals.legs(engines.getFirst()));
        return Measurement.of(subject, asked, legs)
                .voided(counted ? miscount(subject.pool(), before, after, asked.size()) : "");
    }

    private Supplier<Asker> askers(Subject subject, List<Site> engines) {
        return switch (subject.way()) {
            case BY_HAND -> () -> ByHand.of(subject.pool().name(), engines);
            case TANDEM -> () -> Asker.at(gateway.port());
            case PEER -> () -> Asker.at(peerPort);
        };
    }

    /** Returns what is wrong with the gateway's own count of hand-overs; empty if nothing is. */
    static String miscount(Pool pool, Map<String, Long> before, Map<String, Long> after, int asked) {
        Map<String, Long> grown = new TreeMap<>();
        after.forEach((result, count) -> {
            long more = count - before.getOrDefault(result, 0L);
            if (more > 0) {
                grown.put(result, more);
            }
        });
        boolean untold = grown.isEmpty() && pool.foundByContent();
        return untold || grown.equals(Map.of(TAKEN, (long) asked))
                ? ""
                : "of " + asked + " the gateway counted " + grown;
    }
}
