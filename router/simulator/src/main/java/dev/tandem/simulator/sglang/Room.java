// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.sglang;

import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.text.ContentHash;
import dev.tandem.simulator.wire.Json;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Where the two engines of a request meet, by the fields that a router adds to its body. Immutable; the body must not
 * be changed.
 *
 * @param body The whole body.
 */
record Room(ObjectNode body) {
    static final String HOST = "bootstrap_host";
    static final String PORT = "bootstrap_port";
    static final String ROOM = "bootstrap_room";

    /** Fields in which the two bodies may differ: each leg has its own rank. */
    private static final List<String> RANKS = List.of("routed_dp_rank", "disagg_prefill_dp_rank", "data_parallel_rank");

    /** Returns true if a router has added anything. */
    boolean asked() {
        return body.hasNonNull(HOST) || body.hasNonNull(PORT) || body.hasNonNull(ROOM);
    }

    /** Returns true if a room is named. */
    boolean known() {
        return body.hasNonNull(ROOM);
    }

    /** Returns what is wrong with the fields; null if nothing. */
    @Nullable
    String fault() {
        if (!known()) {
            return ROOM + ": missing (expected: the same number on both legs)";
        }
        JsonNode prompt = body.path("prompt");
        boolean list = prompt.isArray() && !prompt.path(0).isNumber();
        if (body.path(ROOM).isArray() != list || body.path(HOST).isArray() != list) {
            return ROOM + ": " + (list ? "no list (expected: one for each prompt)" : "a list (expected: a number)");
        }
        return list ? listFault(prompt.size()) : fault(body.path(HOST), body.path(PORT), body.path(ROOM));
    }

    private @Nullable String listFault(int prompts) {
        if (body.path(ROOM).size() != prompts || body.path(HOST).size() != prompts) {
            return ROOM + ": " + body.path(ROOM).size() + " rooms (expected: " + prompts + ", one for each prompt)";
        }
        for (int i = 0; i < prompts; i++) {
            String fault = fault(
                    body.path(HOST).path(i), part(PORT, i), body.path(ROOM).path(i));
            if (fault != null) {
                return fault;
            }
        }
        return null;
    }

    private static @Nullable String fault(JsonNode host, JsonNode port, JsonNode room) {
        if (!host.isString() || host.stringValue().isEmpty()) {
            return HOST + ": " + host + " (expected: the prefill engine's host)";
        }
        if (!port.isMissingNode() && !port.isNull() && !port.isIntegralNumber()) {
            return PORT + ": " + port + " (expected: a number or null)";
        }
        return room.isIntegralNumber() && room.canConvertToLong() && room.asLong() >= 0
                ? null
                : ROOM + ": " + room + " (expected: 0 to 2^63-1)";
    }

    /** Returns the name of the room of one answer; samples of one prompt take the rooms that follow. */
    String name(GenerateRequest request, int choice) {
        int n = request.sampling().n();
        return body.path(ROOM).isArray()
                ? body.path(ROOM).path(choice / n).asString("")
                : Long.toString(body.path(ROOM).asLong(0) + choice);
    }

    /** Returns the host of one answer's prefill engine. */
    String host(int prompt) {
        return part(HOST, prompt).asString("");
    }

    /** Returns the port of one answer's prefill engine, or what is meant if there is none. */
    int port(int prompt, int otherwise) {
        return Math.clamp(part(PORT, prompt).asInt(otherwise), 0, 65_535);
    }

    /** Returns a number that stands for everything that both legs have to have in common. */
    long digest() {
        ObjectNode common = body.deepCopy();
        common.remove(RANKS);
        return ContentHash.of(Json.text(common));
    }

    private JsonNode part(String field, int prompt) {
        JsonNode value = body.path(field);
        return value.isArray() ? value.path(prompt) : value;
    }
}
