// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.HashMap;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reads what simulated engines have noted. Thread-safe. */
final class Journals {
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    /** Lets an engine forget what it has noted. */
    void clear(Site site) throws IOException {
        send(site, "DELETE");
    }

    /** Returns the legs of an engine by the number of the {@link Ask}; throws if one was asked for twice. */
    Map<Integer, EngineTimes> legs(Site site) throws IOException {
        return legs(JsonMapper.shared().readTree(send(site, "GET")));
    }

    static Map<Integer, EngineTimes> legs(JsonNode journal) throws IOException {
        Map<Integer, EngineTimes> legs = new HashMap<>();
        for (JsonNode request : journal.path("requests")) {
            JsonNode first = request.path("first_token");
            int number = Ask.numberIn(request.path("body").asString(""));
            if (first.isMissingNode() || number < 0) {
                continue;
            }
            EngineTimes times = new EngineTimes(
                    first.path("queued_ns").asLong(),
                    first.path("ready_ns").asLong(),
                    first.path("at_ns").asLong(),
                    first.path("cached_tokens").asInt());
            if (legs.put(number, times) != null) {
                throw new IOException("an engine was asked twice for ask " + number);
            }
        }
        return legs;
    }

    private String send(Site site, String method) throws IOException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(site.url() + "/sim/journal"))
                .method(method, BodyPublishers.noBody())
                .build();
        try {
            return client.send(request, BodyHandlers.ofString()).body();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}
