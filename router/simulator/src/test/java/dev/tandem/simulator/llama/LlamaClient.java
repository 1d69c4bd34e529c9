// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.simulator.http.RawClient;
import dev.tandem.simulator.http.RawClient.Response;
import dev.tandem.simulator.wire.Json;
import java.io.IOException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Requests as tests of the simulated llama-server send them. */
final class LlamaClient {
    private static final long PATIENCE_NANOS = 20_000_000_000L;
    /** Leaves the processor to the thread that is waited for. */
    private static final long PAUSE_NANOS = 50_000;

    private LlamaClient() {}

    static Response post(SimulatedLlamaServer server, String path, String json) throws IOException {
        try (RawClient client = new RawClient(server.port())) {
            return client.send(RawClient.post(path, json)).read();
        }
    }

    static Response get(SimulatedLlamaServer server, String path) throws IOException {
        try (RawClient client = new RawClient(server.port())) {
            return client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n").read();
        }
    }

    static JsonNode json(Response response) {
        return Json.MAPPER.readTree(response.body());
    }

    /** Returns a completion request for eight tokens. */
    static ObjectNode ask(String prompt) {
        return Json.object().put("prompt", prompt).put("max_tokens", 8);
    }

    static ObjectNode ask(String prompt, int slot) {
        return ask(prompt).put("id_slot", slot);
    }

    /** Runs a completion that must succeed. */
    static JsonNode complete(SimulatedLlamaServer server, ObjectNode request) throws IOException {
        Response response = post(server, "/v1/completions", Json.text(request));
        assertThat(response.status()).as(response.body()).isEqualTo(200);
        return json(response);
    }

    static Response act(SimulatedLlamaServer server, int slot, String action, String file) throws IOException {
        return post(server, "/slots/" + slot + "?action=" + action, "{\"filename\":\"" + file + "\"}");
    }

    static String text(JsonNode answer) {
        return answer.at("/choices/0/text").asString();
    }

    static int evaluated(JsonNode answer) {
        return answer.at("/timings/prompt_n").asInt();
    }

    static int cached(JsonNode answer) {
        assertThat(answer.at("/usage/prompt_tokens_details/cached_tokens").asInt())
                .isEqualTo(answer.at("/timings/cache_n").asInt());
        return answer.at("/timings/cache_n").asInt();
    }

    static int promptTokens(JsonNode answer) {
        return answer.at("/usage/prompt_tokens").asInt();
    }

    static double metric(SimulatedLlamaServer server, String name) throws IOException {
        return get(server, "/metrics")
                .body()
                .lines()
                .filter(line -> line.startsWith("llamacpp:" + name + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.indexOf(' ') + 1)))
                .findFirst()
                .orElseThrow();
    }

    static void await(BooleanSupplier condition) {
        long patience = System.nanoTime() + PATIENCE_NANOS;
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("condition not met in time").isLessThan(patience);
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }
}
