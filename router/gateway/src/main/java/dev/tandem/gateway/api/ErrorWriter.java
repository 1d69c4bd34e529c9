// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.api;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.request.ApiKind;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.netty.ByteBufMono;
import reactor.netty.http.server.HttpServerResponse;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes every error that a client gets: OpenAI's error object, or Anthropic's for its Messages API. The only class
 * that does. Thread-safe.
 */
public final class ErrorWriter {
    private static final long RETRY_AFTER_SECONDS = 1;

    private final JsonMapper json;

    /** Makes a writer. */
    public ErrorWriter(JsonMapper json) {
        this.json = json;
    }

    /**
     * Writes a failure.
     *
     * @param api the API that was called, or null when none was recognised
     */
    public Mono<Void> write(HttpServerResponse response, @Nullable ApiKind api, FailureException failure) {
        HttpHeaders headers = response.responseHeaders();
        String body = body(api, failure).toString();
        response.status(failure.failure().status());
        headers.set(HttpHeaderNames.CONTENT_TYPE, "application/json");
        if (failure.failure().status() == 503) {
            headers.set(
                    HttpHeaderNames.RETRY_AFTER,
                    Long.toString(
                            Math.max(RETRY_AFTER_SECONDS, failure.retryAfter().toSeconds())));
        }
        return response.sendString(Mono.just(body)).then();
    }

    /** Returns the writer of the error event of a broken stream, for each API. */
    public Function<ApiKind, Function<FailureException, String>> events() {
        return api -> switch (api) {
            case MESSAGES -> failure -> "event: error\ndata: " + body(api, failure) + "\n\n";
            case RESPONSES -> failure -> "event: error\ndata: " + responsesEvent(failure) + "\n\n";
            case COMPLETIONS, CHAT, EMBEDDINGS, RERANK, SCORE, TRANSCRIPTIONS, TOKENIZE, DETOKENIZE ->
                failure -> "data: " + body(api, failure) + "\n\n";
        };
    }

    private ObjectNode body(@Nullable ApiKind api, FailureException failure) {
        return api == ApiKind.MESSAGES ? anthropic(failure) : openAi(failure);
    }

    private ObjectNode openAi(FailureException failure) {
        ObjectNode body = json.createObjectNode();
        body.putObject("error")
                .put("message", failure.detail())
                .put("type", failure.failure().type())
                .putNull("param")
                .put("code", failure.failure().code());
        return body;
    }

    private ObjectNode anthropic(FailureException failure) {
        ObjectNode body = json.createObjectNode().put("type", "error");
        body.putObject("error").put("type", anthropicType(failure.failure())).put("message", failure.detail());
        return body;
    }

    /** Source: Anthropic API errors, read 2026-11-21. */
    private static String anthropicType(Failure failure) {
        return switch (failure.status()) {
            case 404 -> "not_found_error";
            case 413 -> "request_too_large";
            case 503 -> "overloaded_error";
            default -> failure.status() < 500 ? "invalid_request_error" : "api_error";
        };
    }

    private ObjectNode responsesEvent(FailureException failure) {
        return json.createObjectNode()
                .put("type", "error")
                .put("code", failure.failure().code())
                .put("message", failure.detail())
                .putNull("param");
    }

    /** Returns the body of an error for a connection whose response is not native. */
    public byte[] bytes(FailureException failure) {
        return json.writeValueAsBytes(openAi(failure));
    }

    /** Writes any JSON answer of the gateway's own. */
    Mono<Void> answer(HttpServerResponse response, int status, ObjectNode body) {
        response.status(status);
        response.responseHeaders().set(HttpHeaderNames.CONTENT_TYPE, "application/json");
        return response.send(ByteBufMono.fromString(Mono.just(body.toString()))).then();
    }
}
