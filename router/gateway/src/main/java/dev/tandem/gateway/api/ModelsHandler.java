// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.api;

import dev.tandem.core.fleet.Fleet;
import java.time.Instant;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerResponse;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Lists the models of all workers from what is known, so that a worker that is down never makes it fail. Thread-safe.
 */
public final class ModelsHandler {
    private final Fleet fleet;
    private final ErrorWriter answers;
    private final JsonMapper json;
    private final long started;

    /**
     * Makes a handler.
     *
     * @param started shown as the models' time of creation: the start of the gateway
     */
    public ModelsHandler(Fleet fleet, ErrorWriter answers, JsonMapper json, Instant started) {
        this.fleet = fleet;
        this.answers = answers;
        this.json = json;
        this.started = started.getEpochSecond();
    }

    Mono<Void> handle(HttpServerResponse response) {
        ObjectNode body = json.createObjectNode().put("object", "list");
        ArrayNode data = body.putArray("data");
        for (String model : fleet.models()) {
            data.addObject()
                    .put("id", model)
                    .put("object", "model")
                    .put("created", started)
                    .put("owned_by", "tandem");
        }
        return answers.answer(response, 200, body);
    }
}
