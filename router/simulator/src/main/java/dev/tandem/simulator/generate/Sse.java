// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.generate;

import dev.tandem.simulator.wire.Json;
import dev.tandem.simulator.wire.Served;
import tools.jackson.databind.JsonNode;

/** Text of server-sent events; one event is one HTTP chunk. */
final class Sse {
    /** The end marker of the completions and chat APIs. */
    static final byte[] DONE = Json.utf8("data: [DONE]\n\n");

    private Sse() {}

    /** Returns the start of every event of an answer, up to the list of choices. */
    static String head(String id, String object, long created, String model) {
        StringBuilder head = Json.quote(new StringBuilder("data: {\"id\":"), id);
        head.append(",\"object\":\"").append(object).append("\",\"created\":").append(created);
        return Json.quote(head.append(",\"model\":"), model)
                .append(",\"choices\":[")
                .toString();
    }

    /** Returns the event after the last choice that carries the usage. */
    static byte[] usage(String head, Usage usage, Served served) {
        StringBuilder event = new StringBuilder(head).append("],\"usage\":").append(Json.text(usage.last()));
        fingerprint(event, served);
        return end(event);
    }

    static void fingerprint(StringBuilder event, Served served) {
        event.append(",\"system_fingerprint\":\"").append(served.fingerprint()).append('"');
    }

    /** Closes the object and the event. */
    static byte[] end(StringBuilder event) {
        return Json.utf8(event.append("}\n\n"));
    }

    /** Returns an event with a name, as the responses and messages APIs send. */
    static byte[] named(String name, JsonNode data) {
        return Json.utf8("event: " + name + "\ndata: " + Json.text(data) + "\n\n");
    }
}
