// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import dev.tandem.core.disagg.ConnectorChoice;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.health.ForwardProgress;
import java.net.URI;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;

/** A tiny server on a free loopback port that answers {@code GET /health} and {@code GET /v1/models} as told. */
final class TestEngine implements AutoCloseable {
    static final String MODELS = "{\"object\":\"list\",\"data\":[{\"id\":\"tiny\"}]}";

    private final DisposableServer server;

    TestEngine(
            BiFunction<HttpServerRequest, HttpServerResponse, Publisher<Void>> health,
            BiFunction<HttpServerRequest, HttpServerResponse, Publisher<Void>> models) {
        server = HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .route(routes -> routes.get("/health", health).get("/v1/models", models))
                .bindNow();
    }

    static BiFunction<HttpServerRequest, HttpServerResponse, Publisher<Void>> answer(int status, String body) {
        return (request, response) -> response.status(status).sendString(Mono.just(body));
    }

    static BiFunction<HttpServerRequest, HttpServerResponse, Publisher<Void>> silence() {
        return (request, response) -> Mono.never();
    }

    static Worker worker(String id, int port) {
        return new Worker(id, URI.create("http://127.0.0.1:" + port), Role.UNIFIED);
    }

    static ProbeTargets targets(Supplier<List<Worker>> workers) {
        return targets(workers, worker -> null);
    }

    static ProbeTargets targets(Supplier<List<Worker>> workers, Function<Worker, @Nullable String> keys) {
        return new ProbeTargets(
                workers,
                keys,
                worker -> false,
                worker -> EngineFacts.UNKNOWN,
                ConnectorChoice.named("plain").orElseThrow(),
                worker -> new ForwardProgress(System::nanoTime));
    }

    Worker worker(String id) {
        return worker(id, server.port());
    }

    int port() {
        return server.port();
    }

    @Override
    public void close() {
        server.disposeNow();
    }
}
