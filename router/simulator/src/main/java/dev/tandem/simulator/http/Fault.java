// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import dev.tandem.simulator.wire.Json;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * One way in which an engine misbehaves. Immutable.
 *
 * @param kind What goes wrong.
 * @param path Path of the requests that it hits; empty for all but probes, {@code *} for all, {@link #KV} for what
 *     comes to the port at which KV is handed over.
 * @param count How often it fires; 0 for ever.
 * @param at Where: events that are still sent, or for {@link Kind#RESET}, {@link Kind#TRICKLE} and answers that are no
 *     stream bytes; -1 for before the headers.
 * @param status Status of {@link Kind#STATUS}.
 * @param pause Duration of {@link Kind#DELAY}, or between bytes of {@link Kind#TRICKLE}.
 * @param retryAfter {@code Retry-After} header of {@link Kind#STATUS}; null for none.
 */
public record Fault(
        Kind kind,
        String path,
        int count,
        int at,
        int status,
        Duration pause,
        @Nullable String retryAfter) {
    /**
     * Stands for the port at which KV is handed over, and connections of other engines to it: {@link Kind#CRASH}
     * (nobody seems to listen), {@link Kind#RESET}, {@link Kind#STALL}, {@link Kind#GARBAGE}, {@link Kind#STATUS}.
     */
    public static final String KV = "kv";

    /** What goes wrong. */
    public enum Kind {
        /** An error answer instead of the real one. */
        STATUS,
        /** A pause before the headers. */
        DELAY,
        /** Silence before the headers or after some events; the connection stays open. */
        STALL,
        /** A TCP reset before the headers or after some bytes of the body as framed. */
        RESET,
        /** The connection is closed in an orderly way after some events, without the end of the answer. */
        TRUNCATE,
        /** Bytes that are no event after some events, then the rest; no JSON instead of an answer that is no stream. */
        GARBAGE,
        /** The body of an answer that is no stream ends after some bytes, and its length says so. */
        SHORTEN,
        /** The answer lacks its {@code kv_transfer_params}. */
        NO_PARAMS,
        /** The members of its {@code kv_transfer_params} are null. */
        EMPTY_PARAMS,
        /** An error event and {@code [DONE]} after some events. */
        ERROR_EVENT,
        /** The first bytes of the answer, headers included, leave one by one. */
        TRICKLE,
        /** {@code /health} says 200 whatever is wrong with the other paths. */
        HEALTH_UP,
        /** {@code /health} says 503 while everything works. */
        HEALTH_DOWN,
        /** {@code /v1/models} lists nothing. */
        NO_MODELS,
        /** The engine drops the request after some events, with the reason that it has to be computed again. */
        RECOMPUTED,
        /** A decode engine that calls the router back does so twice. */
        CALLBACK_TWICE,
        /** It calls back for a request that the router does not know, and then for the right one. */
        CALLBACK_UNKNOWN,
        /** It does not call back. */
        CALLBACK_NEVER,
        /** It calls back with what is no object. */
        CALLBACK_GARBAGE,
        /** A prefill engine that notifies the router does not. */
        NOTICE_NEVER,
        /** It sends something else than a notice. */
        NOTICE_GARBAGE,
        /** The process dies when the request comes. */
        CRASH,
        /** The process dies when the request comes and is back at once, with empty caches and another engine id. */
        RESTART;

        String wireName() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Returns a fault that fires once for any request. */
    public static Fault of(Kind kind) {
        return new Fault(kind, "", 1, -1, 500, Duration.ZERO, null);
    }

    /** Returns this fault for the requests of one path. */
    public Fault on(String onlyPath) {
        return new Fault(kind, onlyPath, count, at, status, pause, retryAfter);
    }

    /** Returns this fault firing another number of times; 0 for ever. */
    public Fault times(int often) {
        return new Fault(kind, path, often, at, status, pause, retryAfter);
    }

    /** Returns this fault after so many events or bytes. */
    public Fault after(int eventsOrBytes) {
        return new Fault(kind, path, count, eventsOrBytes, status, pause, retryAfter);
    }

    /** Returns this fault with a status. */
    public Fault status(int code) {
        return new Fault(kind, path, count, at, code, pause, retryAfter);
    }

    /** Returns this fault with a pause. */
    public Fault pause(Duration duration) {
        return new Fault(kind, path, count, at, status, duration, retryAfter);
    }

    /** Returns this fault with a {@code Retry-After} header. */
    public Fault retryAfter(String value) {
        return new Fault(kind, path, count, at, status, pause, value);
    }

    /** Reads the JSON form; throws {@link IllegalArgumentException} with the names that are known. */
    static Fault parse(JsonNode json) {
        String name = json.path("kind").asString("").toUpperCase(Locale.ROOT).replace('-', '_');
        Kind kind = Arrays.stream(Kind.values())
                .filter(candidate -> candidate.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "kind: " + json.path("kind").asString("") + " (expected: "
                                + Arrays.toString(Kind.values()).toLowerCase(Locale.ROOT) + ")"));
        JsonNode retry = json.path("retry_after");
        return new Fault(
                kind,
                json.path("path").asString(""),
                json.path("count").asInt(1),
                json.path("after").asInt(-1),
                json.path("status").asInt(500),
                Duration.ofMillis(json.path("pause_ms").asLong(0)),
                retry.isMissingNode() ? null : retry.asString());
    }

    ObjectNode json(int left) {
        return Json.object()
                .put("kind", kind.wireName())
                .put("path", path)
                .put("count", left)
                .put("after", at)
                .put("status", status)
                .put("pause_ms", pause.toMillis())
                .put("retry_after", retryAfter);
    }
}
