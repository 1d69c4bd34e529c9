// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.simulator.http.RawClient.Response;
import dev.tandem.simulator.wire.Json;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** What a router says to a pair whose legs may run at the same time. Confined to one test. */
final class Dialogue implements AutoCloseable {
    private final List<RawClient> open = new ArrayList<>();

    /** Begins a request with a request id; the answer is read later. */
    RawClient begin(SimulatedEngine engine, JsonNode body, String id) throws IOException {
        return begin(engine, Pair.PATH, body, id);
    }

    RawClient begin(SimulatedEngine engine, String path, JsonNode body, String id) throws IOException {
        RawClient client = new RawClient(engine.port());
        open.add(client);
        String header = id.isEmpty() ? "" : "X-Request-Id: " + id + "\r\n";
        return client.send(RawClient.post(path, Json.text(body), header));
    }

    /** Sends a request and reads the answer. */
    Response ask(SimulatedEngine engine, JsonNode body, String id) throws IOException {
        return begin(engine, body, id).read();
    }

    /** Returns a body with hand-over parameters. */
    static ObjectNode with(ObjectNode body, ObjectNode params) {
        body.set("kv_transfer_params", params);
        return body;
    }

    /** Checks that a strict engine refuses a request, and says so in its journal. */
    void refuses(SimulatedEngine engine, ObjectNode body, String id, String message) throws IOException {
        Response response = ask(engine, body, id);
        assertThat(response.status()).as(response.body()).isEqualTo(400);
        assertThat(Pair.json(response).toString()).contains("ContractViolation");
        SeenRequest seen = engine.journal().violations().getLast();
        assertThat(seen.violation().orElse("")).startsWith(message);
    }

    /** Checks that nothing has been answered; what would come has had its time when other things have happened. */
    static void waits(RawClient client) throws IOException {
        assertThat(client.stream().available()).isZero();
    }

    /** Waits until one decode leg waits at a prefill engine. */
    static void untilRegistered(SimulatedEngine prefill) {
        Waiting.until(() -> prefill.facts().getOrDefault("decode_legs_waiting", 0L) == 1);
    }

    @Override
    public void close() throws IOException {
        for (RawClient client : open) {
            client.close();
        }
    }
}
