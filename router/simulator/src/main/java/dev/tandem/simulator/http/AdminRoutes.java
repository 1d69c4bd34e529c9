// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import dev.tandem.simulator.wire.Json;
import java.util.Locale;
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The simulator's own endpoints below {@code /sim}. Thread-safe. */
final class AdminRoutes {
    private final ServerHandler.Owner owner;

    AdminRoutes(ServerHandler.Owner owner) {
        this.owner = owner;
    }

    Answer answer(Call call) {
        return switch (call.method() + " " + call.path()) {
            case "GET /sim/faults" -> Answer.json(200, faults());
            case "POST /sim/faults" -> arm(call.body());
            case "DELETE /sim/faults" -> {
                owner.faults().clear();
                yield Answer.json(200, faults());
            }
            case "GET /sim/journal" -> Answer.json(200, journal());
            case "DELETE /sim/journal" -> {
                owner.journal().clear();
                yield Answer.json(200, journal());
            }
            case "GET /sim/engine" -> Answer.json(200, engine());
            case "POST /sim/restart" -> {
                Thread.startVirtualThread(owner::restart);
                yield Answer.empty(202);
            }
            case "POST /sim/crash" -> {
                Thread.startVirtualThread(owner::crash);
                yield Answer.empty(202);
            }
            default -> Answer.json(404, Json.object().put("detail", "Not Found"));
        };
    }

    private Answer arm(byte[] body) {
        try {
            owner.faults().add(Json.MAPPER.readTree(body));
            return Answer.json(200, faults());
        } catch (JacksonException | IllegalArgumentException e) {
            return Answer.json(400, Json.object().put("detail", e.getMessage()));
        }
    }

    private ObjectNode engine() {
        ObjectNode body =
                Json.object().put("engine_id", owner.engineId()).put("side_channel_port", owner.sideChannelPort());
        ObjectNode facts = body.putObject("facts");
        new TreeMap<>(owner.facts()).forEach(facts::put);
        return body;
    }

    private ObjectNode faults() {
        ObjectNode body = Json.object();
        body.set("faults", owner.faults().json());
        return body;
    }

    private ObjectNode journal() {
        ObjectNode body = Json.object().put("received", owner.journal().received());
        ArrayNode list = body.putArray("requests");
        for (SeenRequest seen : owner.journal().requests()) {
            ObjectNode entry = list.addObject()
                    .put("number", seen.number())
                    .put("method", seen.method())
                    .put("path", seen.path())
                    .put("end", seen.end().name().toLowerCase(Locale.ROOT))
                    .put("body", seen.bodyText());
            seen.violation().ifPresent(what -> entry.put("violation", what));
            seen.firstToken()
                    .ifPresent(first -> entry.putObject("first_token")
                            .put("queued_ns", first.queuedNanos())
                            .put("ready_ns", first.readyNanos())
                            .put("at_ns", first.nanos())
                            .put("cached_tokens", first.cachedTokens()));
            ArrayNode headers = entry.putArray("headers");
            seen.headers()
                    .forEach(header -> headers.addArray().add(header.getKey()).add(header.getValue()));
        }
        return body;
    }
}
