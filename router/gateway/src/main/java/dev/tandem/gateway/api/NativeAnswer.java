// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.api;

import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.ResponseCookie;
import org.springframework.http.server.reactive.ServerHttpRequestDecorator;
import org.springframework.http.server.reactive.ServerHttpResponseDecorator;
import org.springframework.util.LinkedMultiValueMap;
import org.springframework.util.MultiValueMap;
import org.springframework.web.reactive.function.server.HandlerFunction;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;

/**
 * A response that Reactor Netty's own objects write, so that WebFlux routes requests and never touches the bytes of a
 * body. Confined to one request.
 */
final class NativeAnswer implements ServerResponse {
    private final NativeHandler handler;

    private NativeAnswer(NativeHandler handler) {
        this.handler = handler;
    }

    /** Serves a request on Reactor Netty's own objects. */
    @FunctionalInterface
    interface NativeHandler {
        /** Writes the response. */
        Mono<Void> handle(HttpServerRequest request, HttpServerResponse response);
    }

    /** Returns a WebFlux handler that leaves everything to a native one. */
    static HandlerFunction<ServerResponse> handler(NativeHandler handler) {
        Mono<ServerResponse> answer = Mono.just(new NativeAnswer(handler));
        return request -> answer;
    }

    @Override
    public Mono<Void> writeTo(ServerWebExchange exchange, Context context) {
        HttpServerRequest request = ServerHttpRequestDecorator.getNativeRequest(exchange.getRequest());
        HttpServerResponse response = ServerHttpResponseDecorator.getNativeResponse(exchange.getResponse());
        return handler.handle(request, response);
    }

    @Override
    public HttpStatusCode statusCode() {
        return HttpStatus.OK;
    }

    @Override
    public HttpHeaders headers() {
        return HttpHeaders.EMPTY;
    }

    @Override
    public MultiValueMap<String, ResponseCookie> cookies() {
        return new LinkedMultiValueMap<>();
    }
}
