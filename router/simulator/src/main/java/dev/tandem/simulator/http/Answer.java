// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import dev.tandem.simulator.wire.Json;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import tools.jackson.databind.JsonNode;

/** What a route answers. Immutable. */
public sealed interface Answer {
    String JSON = "application/json";

    /** Returns a JSON answer. */
    static Whole json(int status, JsonNode body) {
        return new Whole(status, JSON, Json.bytes(body), List.of());
    }

    /** Returns an answer without a body. */
    static Whole empty(int status) {
        return new Whole(status, null, new byte[0], List.of());
    }

    /**
     * An answer whose length is known.
     *
     * @param status HTTP status.
     * @param contentType Type of the body; null without one.
     * @param body The body.
     * @param extraHeaders Headers in front of the length.
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Whole(int status, @Nullable String contentType, byte[] body, List<Map.Entry<String, String>> extraHeaders)
            implements Answer {}

    /**
     * Server-sent events; each element is one HTTP chunk.
     *
     * @param events The events.
     */
    record Stream(Flux<byte[]> events) implements Answer {}
}
