// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.notice;

import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What happens to notices on their way to the router. Immutable.
 *
 * @param delay Time before each one is sent.
 * @param lose Every so many-th is lost; 1 for all, 0 for none.
 * @param duplicate Every so many-th is sent twice; 0 for none.
 * @param reorder So many wait for each other and are sent in reverse; 0 for none.
 * @param early They are sent before the HTTP answer instead of after it.
 */
public record Mishaps(Duration delay, int lose, int duplicate, int reorder, boolean early) {
    /** Nothing happens. */
    public static final Mishaps NONE = new Mishaps(Duration.ZERO, 0, 0, 0, false);

    private static final Set<String> KNOWN = Set.of("delay_ms", "lose", "duplicate", "reorder", "early");

    /** Reads {@code delay_ms=200,lose=3,duplicate=2,reorder=2,early=1}, any of them. */
    public static Mishaps parse(String text) {
        Map<String, Integer> values = Stream.of(text.split(","))
                .map(each -> each.strip().split("=", 2))
                .collect(Collectors.toMap(each -> each[0], each -> number(each, text)));
        values.keySet().stream()
                .filter(name -> !KNOWN.contains(name))
                .findFirst()
                .ifPresent(name -> {
                    throw new IllegalArgumentException(name + ": unknown (expected: "
                            + String.join(", ", KNOWN.stream().sorted().toList()) + ")");
                });
        return new Mishaps(
                Duration.ofMillis(values.getOrDefault("delay_ms", 0)),
                values.getOrDefault("lose", 0),
                values.getOrDefault("duplicate", 0),
                values.getOrDefault("reorder", 0),
                values.getOrDefault("early", 0) > 0);
    }

    /** Returns what runs a task after the delay. */
    public Executor executor() {
        return delay.isZero()
                ? Runnable::run
                : CompletableFuture.delayedExecutor(delay.toNanos(), TimeUnit.NANOSECONDS);
    }

    private static int number(String[] entry, String text) {
        if (entry.length < 2 || !entry[1].matches("\\d{1,9}")) {
            throw new IllegalArgumentException(text + " (expected: a list of name=number)");
        }
        return Integer.parseInt(entry[1]);
    }

    /** Returns these mishaps with another delay. */
    public Mishaps withDelay(Duration time) {
        return new Mishaps(time, lose, duplicate, reorder, early);
    }

    /** Returns these mishaps with every so many-th notice lost. */
    public Mishaps withLose(int every) {
        return new Mishaps(delay, every, duplicate, reorder, early);
    }

    /** Returns these mishaps with every so many-th notice sent twice. */
    public Mishaps withDuplicate(int every) {
        return new Mishaps(delay, lose, every, reorder, early);
    }

    /** Returns these mishaps with so many notices sent in reverse. */
    public Mishaps withReorder(int group) {
        return new Mishaps(delay, lose, duplicate, group, early);
    }

    /** Returns these mishaps with notices that come before the HTTP answer. */
    public Mishaps withEarly() {
        return new Mishaps(delay, lose, duplicate, reorder, true);
    }
}
