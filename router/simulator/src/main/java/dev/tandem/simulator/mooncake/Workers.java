// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.mooncake;

import dev.tandem.simulator.wire.Json;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** What a decode engine has learnt from bootstrap servers; it asks again only for an id that it does not know. */
final class Workers implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final Map<String, InetSocketAddress> byEngine = new ConcurrentHashMap<>();
    private final HttpClient client =
            HttpClient.newBuilder().connectTimeout(PATIENCE).build();

    /** Returns where a prefill engine is, which blocks; throws if its bootstrap server does not know it. */
    InetSocketAddress find(String engineId, String bootstrap) throws IOException {
        InetSocketAddress known = byEngine.get(engineId);
        if (known == null) {
            ask(bootstrap);
            known = byEngine.get(engineId);
        }
        if (known == null) {
            throw new IOException(
                    "Failed to find remote engine_id " + engineId + " from bootstrap server " + bootstrap);
        }
        return known;
    }

    @Override
    public void close() {
        client.shutdownNow();
    }

    private void ask(String bootstrap) throws IOException {
        try {
            HttpRequest request = HttpRequest.newBuilder(URI.create(bootstrap + "/query"))
                    .timeout(PATIENCE)
                    .build();
            String body =
                    client.send(request, HttpResponse.BodyHandlers.ofString()).body();
            for (JsonNode rank : Json.MAPPER.readTree(body)) {
                InetSocketAddress address = address(rank.at("/worker_addr/0/0").asString(""));
                if (address != null) {
                    byEngine.put(rank.path("engine_id").asString(""), address);
                }
            }
        } catch (IllegalArgumentException | JacksonException e) {
            throw new IOException("bootstrap server " + bootstrap, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private static @Nullable InetSocketAddress address(String text) {
        URI address = URI.create(text);
        return address.getHost() == null || address.getPort() < 0
                ? null
                : new InetSocketAddress(address.getHost(), address.getPort());
    }
}
