// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.lifecycle.EngineMessageListener;
import dev.tandem.core.lifecycle.EngineMessageListener.Message;
import dev.tandem.core.lifecycle.EngineMessageListener.Verdict;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * Brings notices and callbacks of engines to the attempts that wait for them. Thread-safe; whatever nobody waits for is
 * counted and dropped.
 *
 * <p>Some engines send back the id that they were given. Others send one of their own that contains it, such as
 * {@code chatcmpl-ID-0a1b2c3d}; it is found by its form and not by trying everyone who waits.
 */
public final class Notices {
    /** The id of an attempt: 16 or 32 hexadecimal digits that stand alone, and the number of a later attempt. */
    private static final Pattern KEY = Pattern.compile(
            "(?<![0-9a-f])(?<first>[0-9a-f]{32}|[0-9a-f]{16})(?![0-9a-f])(?<later>-[0-9]{1,2}(?![0-9A-Za-z]))?");

    /** Longer ids are no engine's. */
    private static final int LONGEST_ID = 512;

    private final ConcurrentMap<String, Awaited> waiting = new ConcurrentHashMap<>();
    private final int limit;
    private final Scheduler scheduler;
    private final EngineMessageListener listener;

    /**
     * Makes an empty one.
     *
     * @param limit most attempts that wait at a time
     * @param scheduler runs what follows a notice; the threads that read notices have other things to do
     * @param listener learns what became of each message
     */
    public Notices(int limit, Scheduler scheduler, EngineMessageListener listener) {
        this.limit = limit;
        this.scheduler = scheduler;
        this.listener = listener;
    }

    /**
     * Begins to wait. Comes before the leg that causes the notice: engines may be faster than their own answers.
     *
     * @param key the id that the engine gets: 16 or 32 hexadecimal digits, perhaps with {@code -2} for a second attempt
     * @throws FailureException {@code OVERLOADED} when too many wait
     * @throws IllegalStateException when someone waits with this id
     */
    public Awaited expect(String key) {
        if (waiting.size() >= limit) {
            throw new FailureException(Failure.OVERLOADED, "too many requests wait for notices of engines");
        }
        Awaited awaited = new Awaited(scheduler, closed -> waiting.remove(key, closed));
        if (waiting.putIfAbsent(key, awaited) != null) {
            throw new IllegalStateException("key: " + key + " (expected: unique)");
        }
        return awaited;
    }

    /** Returns how many wait. */
    public int size() {
        return waiting.size();
    }

    /** A notice has come that names the very id that the engine got. */
    boolean onNotice(String key) {
        Awaited awaited = waiting.get(key);
        if (awaited != null) {
            awaited.onNotice();
        }
        return judged(Message.NOTICE, awaited);
    }

    /** One rank of so many has stored the KV cache of a request, which it names by an id of its own. */
    boolean onStored(String engineId, Rank rank) {
        Awaited awaited = find(engineId);
        if (awaited != null) {
            awaited.onStored(rank);
        }
        return judged(Message.NOTICE, awaited);
    }

    /**
     * An engine asks for the KV cache of a request, which it names by an id of its own.
     *
     * @param json what it says, one JSON object
     * @return whether prefill ended well, when it has; empty when nobody waits for this call
     */
    Mono<Boolean> onCallback(String engineId, String json) {
        Awaited awaited = find(engineId);
        return judged(Message.CALLBACK, awaited) && awaited != null ? awaited.onCallback(json) : Mono.empty();
    }

    private boolean judged(Message message, @Nullable Awaited awaited) {
        listener.onMessage(message, awaited == null ? Verdict.UNKNOWN : Verdict.ACCEPTED);
        return awaited != null;
    }

    /** A number behind the id can belong to either side: an attempt's own comes first, then the engine's. */
    private @Nullable Awaited find(String engineId) {
        if (engineId.length() > LONGEST_ID) {
            return null;
        }
        Matcher matcher = KEY.matcher(engineId);
        while (matcher.find()) {
            Awaited later = matcher.group("later") == null ? null : waiting.get(matcher.group());
            Awaited found = later != null ? later : waiting.get(matcher.group("first"));
            if (found != null) {
                return found;
            }
        }
        return null;
    }

    /**
     * A rank of an engine that is spread over several processes.
     *
     * @param number 0 to {@code of} - 1
     * @param of how many there are
     */
    record Rank(int number, int of) {
        /** Larger engines are a mistake. */
        private static final int MOST = 4096;

        /** Checks the numbers. */
        Rank {
            if (of < 1 || of > MOST || number < 0 || number >= of) {
                throw new IllegalArgumentException(
                        "rank: " + number + " of " + of + " (expected: 0 to one less than at most " + MOST + ")");
            }
        }
    }
}
