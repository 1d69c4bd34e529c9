// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.api;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.request.ApiKind;
import dev.tandem.gateway.api.RequestReader.Head;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufInputStream;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpHeaders;
import java.io.InputStream;
import java.util.List;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Serves {@code POST /generate {prompt, max_tokens, temperature}}: a completion, answered with a small object that a
 * person can read. Thread-safe.
 *
 * <p>vLLM's OpenAI server has no such path; the request becomes a completion.
 */
public final class GenerateHandler {
    private static final int DEFAULT_MAX_TOKENS = 64;
    private static final List<String> PASSED_ON = List.of("model", "prompt", "max_tokens", "temperature");

    private final RequestReader reader;
    private final InferenceHandler inference;
    private final JsonMapper json;
    private final RequestIds ids;

    /** Makes a handler. */
    public GenerateHandler(RequestReader reader, InferenceHandler inference, JsonMapper json, RequestIds ids) {
        this.reader = reader;
        this.inference = inference;
        this.json = json;
        this.ids = ids;
    }

    Mono<Void> handle(HttpServerRequest http, HttpServerResponse response) {
        Head head = reader.head(http, ApiKind.COMPLETIONS, ids.next());
        return inference.handle(
                head,
                reader.body(http).map(this::toCompletion).map(body -> reader.scan(head, body)),
                response,
                answer -> answer.rewritten(body -> readable(body, response.responseHeaders())));
    }

    /** Takes the body over. */
    private ByteBuf toCompletion(ByteBuf body) {
        try {
            JsonNode asked = read(body);
            if (!asked.path("prompt").isString()) {
                throw new FailureException(Failure.INVALID_REQUEST, "prompt: expected a string");
            }
            ObjectNode completion = json.createObjectNode();
            PASSED_ON.stream().filter(asked::has).forEach(name -> completion.set(name, asked.get(name)));
            if (!asked.has("max_tokens")) {
                completion.put("max_tokens", DEFAULT_MAX_TOKENS);
            }
            return Unpooled.wrappedBuffer(json.writeValueAsBytes(completion));
        } catch (JacksonException e) {
            throw new FailureException(Failure.INVALID_JSON, "body: not valid JSON", e);
        } finally {
            body.release();
        }
    }

    private JsonNode read(ByteBuf body) {
        return json.readTree((InputStream) new ByteBufInputStream(body.duplicate()));
    }

    private ByteBuf readable(ByteBuf answer, HttpHeaders explanation) {
        JsonNode completion = read(answer);
        JsonNode choice = completion.path("choices").path(0);
        ObjectNode readable = json.createObjectNode();
        readable.put("text", choice.path("text").asString(""));
        readable.set("model", completion.path("model"));
        readable.set("finish_reason", choice.path("finish_reason"));
        readable.set("usage", completion.path("usage"));
        ObjectNode workers = readable.putObject("workers");
        workers.put("prefill", explanation.get("x-tandem-prefill"));
        workers.put("decode", explanation.get("x-tandem-decode"));
        readable.put("request_id", explanation.get("x-request-id"));
        return Unpooled.wrappedBuffer(json.writeValueAsBytes(readable));
    }
}
