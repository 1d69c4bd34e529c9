// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.mooncake;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.tandem.simulator.transfer.Site;
import dev.tandem.simulator.wire.Json;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicLong;
import tools.jackson.databind.node.ObjectNode;

/** The server that tells routers and decode engines which engine is behind it and where. Thread-safe. */
final class Bootstrap implements AutoCloseable {
    private final HttpServer server;
    private final Site site;
    private final MooncakeConfig config;
    private final int workerPort;
    private final AtomicLong queries = new AtomicLong();

    private Bootstrap(MooncakeConfig config, Site site, int workerPort) throws IOException {
        this.config = config;
        this.site = site;
        this.workerPort = workerPort;
        this.server = HttpServer.create(new InetSocketAddress(config.host(), config.bootstrapPort()), 0);
        server.createContext(
                "/", exchange -> answer(exchange, 404, Json.object().put("detail", "Not Found")));
        server.createContext("/query", exchange -> answer(exchange, 200, workers()));
        server.setExecutor(task -> Thread.startVirtualThread(task));
    }

    /** Starts the server of an engine whose transfers go through {@code workerPort}. */
    static Bootstrap start(MooncakeConfig config, Site site, int workerPort) {
        try {
            Bootstrap bootstrap = new Bootstrap(config, site, workerPort);
            bootstrap.server.start();
            return bootstrap;
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "Mooncake bootstrap server " + config.host() + ":" + config.bootstrapPort() + ": " + e.getMessage(),
                    e);
        }
    }

    int port() {
        return server.getAddress().getPort();
    }

    long queries() {
        return queries.get();
    }

    @Override
    public void close() {
        server.stop(0);
    }

    /** Returns one data parallel rank with one worker, or nothing while it has not registered. */
    private ObjectNode workers() {
        ObjectNode body = Json.object();
        if (queries.incrementAndGet() > config.emptyQueries()) {
            ObjectNode rank = body.putObject("0").put("engine_id", site.engineId());
            rank.putObject("worker_addr").putObject("0").put("0", "tcp://" + config.host() + ":" + workerPort);
        }
        return body;
    }

    private static void answer(HttpExchange exchange, int status, ObjectNode body) throws IOException {
        byte[] bytes = Json.bytes(body);
        exchange.getResponseHeaders().set("content-type", "application/json");
        exchange.sendResponseHeaders(status, bytes.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(bytes);
        }
    }
}
