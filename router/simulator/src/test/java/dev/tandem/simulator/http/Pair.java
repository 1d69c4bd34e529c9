// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import dev.tandem.core.time.Ticker;
import dev.tandem.simulator.http.RawClient.Response;
import dev.tandem.simulator.wire.Json;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** A prefill and a decode engine with the NIXL connector, and the requests of a router. Confined to one test. */
final class Pair implements AutoCloseable {
    static final String PATH = "/v1/completions";

    /** Moves only when it is told to. */
    final AtomicLong nanos = new AtomicLong(1);

    final SimulatedEngine prefill;
    final SimulatedEngine decode;

    private Pair(EngineOptions options, UnaryOperator<EngineOptions> decodeChange) {
        Ticker ticker = nanos::get;
        prefill = SimulatedEngine.start(options, ticker);
        decode = SimulatedEngine.start(decodeChange.apply(options), ticker);
    }

    static Pair faithful() {
        return of(options().withStrict(false));
    }

    static Pair strict() {
        return of(options());
    }

    static Pair of(EngineOptions options) {
        return new Pair(options, same -> same);
    }

    static Pair of(EngineOptions options, UnaryOperator<EngineOptions> decodeChange) {
        return new Pair(options, decodeChange);
    }

    static EngineOptions options() {
        return EngineOptions.of("m", 0).withNixl();
    }

    static Response post(SimulatedEngine engine, String path, JsonNode body) throws IOException {
        try (RawClient client = new RawClient(engine.port())) {
            return client.send(RawClient.post(path, Json.text(body))).read();
        }
    }

    static ObjectNode json(Response response) {
        return (ObjectNode) Json.MAPPER.readTree(response.body());
    }

    static ObjectNode request(String prompt, int maxTokens) {
        return Json.object().put("prompt", prompt).put("max_tokens", maxTokens).put("ignore_eos", true);
    }

    /** Returns the body of a prefill leg. */
    static ObjectNode prefillLeg(String prompt) {
        ObjectNode body = request(prompt, 1);
        body.set("kv_transfer_params", asking());
        return body;
    }

    /** Returns what a router sends on a prefill leg. */
    static ObjectNode asking() {
        return Json.object()
                .put("do_remote_decode", true)
                .put("do_remote_prefill", false)
                .putNull("remote_engine_id")
                .putNull("remote_block_ids")
                .putNull("remote_host")
                .putNull("remote_port");
    }

    /** Returns the body of a decode leg. */
    static ObjectNode decodeLeg(String prompt, JsonNode params) {
        ObjectNode body = request(prompt, 12);
        body.set("kv_transfer_params", params);
        return body;
    }

    /** Runs a prefill leg and returns its parameters. */
    ObjectNode params(String prompt) throws IOException {
        return (ObjectNode) json(post(prefill, PATH, prefillLeg(prompt))).get("kv_transfer_params");
    }

    /** Runs a decode leg. */
    Response decode(String prompt, JsonNode params) throws IOException {
        return post(decode, PATH, decodeLeg(prompt, params));
    }

    /** Returns the text of a whole answer. */
    static String text(Response response) {
        return json(response).at("/choices/0/text").asString();
    }

    /** Returns what an engine of its own says to the prompt. */
    static String alone(String prompt) throws IOException {
        try (SimulatedEngine engine = SimulatedEngine.start(EngineOptions.of("m", 0))) {
            return text(post(engine, PATH, request(prompt, 12)));
        }
    }

    @Override
    public void close() {
        prefill.close();
        decode.close();
    }
}
