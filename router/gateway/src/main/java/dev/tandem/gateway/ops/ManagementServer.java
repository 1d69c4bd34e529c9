// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.ops;

import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.NettyOutbound;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import reactor.netty.http.server.HttpServerRoutes;

/** Serves pages for operators and orchestrators on a port that clients do not reach. Thread-safe. */
public final class ManagementServer implements AutoCloseable {
    private static final String DRAIN = "/workers/{id}/drain";

    private final DisposableServer server;

    private ManagementServer(DisposableServer server) {
        this.server = server;
    }

    /**
     * Starts listening.
     *
     * @param address address to bind to
     * @param port port, or 0 for any free one
     * @param door stands before the pages: its limits are to hold for whoever reaches the port
     * @param pages makers of the pages, by path
     * @param drains what {@code POST} (begin) and {@code DELETE} (end) on {@code /workers/ID/drain} do
     * @throws RuntimeException if the port is taken
     */
    public static ManagementServer start(
            String address,
            int port,
            UnaryOperator<HttpServer> door,
            Map<String, Supplier<Page>> pages,
            WorkerDrains drains) {
        return new ManagementServer(door.apply(HttpServer.create().host(address).port(port))
                .route(routes -> {
                    pages.forEach((path, page) -> add(routes, path, page));
                    routes.post(DRAIN, (request, response) -> send(drains.begin(id(request)), response))
                            .delete(DRAIN, (request, response) -> send(drains.end(id(request)), response));
                })
                .bindNow());
    }

    private static void add(HttpServerRoutes routes, String path, Supplier<Page> maker) {
        routes.get(path, (request, response) -> send(maker.get(), response));
    }

    private static String id(HttpServerRequest request) {
        return Objects.requireNonNullElse(request.param("id"), "");
    }

    private static NettyOutbound send(Page page, HttpServerResponse response) {
        return response.status(page.status())
                .header("content-type", page.contentType())
                .header("cache-control", "no-store")
                .sendString(Mono.just(page.body()));
    }

    /** Returns the port. */
    public int port() {
        return server.port();
    }

    @Override
    public void close() {
        server.disposeNow();
    }
}
