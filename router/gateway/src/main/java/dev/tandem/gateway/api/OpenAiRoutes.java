// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.api;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.request.ApiKind;
import dev.tandem.gateway.ops.Page;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.function.server.HandlerFunction;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerResponse;

/**
 * The list of paths that clients may call. Anything else is 404, another method 405, both as OpenAI errors. Immutable.
 */
public final class OpenAiRoutes implements RouterFunction<ServerResponse> {
    private final Map<String, Endpoint> endpoints = new HashMap<>();
    private final HandlerFunction<ServerResponse> unknown;
    private final ErrorWriter errors;
    private final RequestIds ids;

    /**
     * Lists the paths.
     *
     * @param inference serves the APIs of engines
     * @param pages further paths that are read with GET
     * @param errors writes errors
     * @param ids names requests that never become one
     */
    public OpenAiRoutes(
            InferenceHandler inference,
            ModelsHandler models,
            GenerateHandler generate,
            Map<String, Supplier<Page>> pages,
            ErrorWriter errors,
            RequestIds ids) {
        this.errors = errors;
        this.ids = ids;
        pages.forEach((path, page) ->
                get(path, NativeAnswer.handler((request, response) -> show(page.get(), response))));
        for (ApiKind api : ApiKind.values()) {
            post(api.path(), NativeAnswer.handler((request, response) -> inference.handle(api, request, response)));
        }
        get("/v1/models", NativeAnswer.handler((request, response) -> models.handle(response)));
        post("/generate", NativeAnswer.handler(generate::handle));
        this.unknown = NativeAnswer.handler((request, response) ->
                refuse(response, new FailureException(Failure.UNKNOWN_PATH, "path: not served here")));
    }

    @Override
    public Mono<HandlerFunction<ServerResponse>> route(ServerRequest request) {
        Endpoint endpoint = endpoints.get(request.requestPath().value());
        if (endpoint == null) {
            return Mono.just(unknown);
        }
        return Mono.just(request.method().equals(endpoint.method()) ? endpoint.handler() : endpoint.otherMethod());
    }

    private static Mono<Void> show(Page page, HttpServerResponse response) {
        response.status(page.status());
        response.responseHeaders()
                .set(HttpHeaderNames.CONTENT_TYPE, page.contentType())
                .set(HttpHeaderNames.CACHE_CONTROL, "no-store");
        return response.sendString(Mono.just(page.body())).then();
    }

    private void get(String path, HandlerFunction<ServerResponse> handler) {
        endpoints.put(path, new Endpoint(HttpMethod.GET, handler, notAllowed(HttpMethod.GET)));
    }

    private void post(String path, HandlerFunction<ServerResponse> handler) {
        endpoints.put(path, new Endpoint(HttpMethod.POST, handler, notAllowed(HttpMethod.POST)));
    }

    private HandlerFunction<ServerResponse> notAllowed(HttpMethod allowed) {
        return NativeAnswer.handler((request, response) -> {
            response.responseHeaders().set(HttpHeaderNames.ALLOW, allowed.name());
            return refuse(
                    response, new FailureException(Failure.METHOD_NOT_ALLOWED, "method: expected " + allowed.name()));
        });
    }

    private Mono<Void> refuse(HttpServerResponse response, FailureException failure) {
        response.responseHeaders().set("x-request-id", ids.next());
        return errors.write(response, null, failure);
    }

    /** A path, its method, and what answers other methods. */
    private record Endpoint(
            HttpMethod method, HandlerFunction<ServerResponse> handler, HandlerFunction<ServerResponse> otherMethod) {}
}
