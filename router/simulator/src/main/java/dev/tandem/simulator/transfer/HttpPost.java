// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.transfer;

import dev.tandem.simulator.wire.Json;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import tools.jackson.databind.JsonNode;

/** Posts JSON to a server, without repeating what fails. Thread-safe. */
public final class HttpPost implements AutoCloseable {
    private final Duration patience;
    private final HttpClient client;

    /** Makes a client that waits so long for an answer. */
    public HttpPost(Duration patience) {
        this.patience = patience;
        this.client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(patience)
                .build();
    }

    /** Posts a body and returns the status of the answer; an {@link java.io.IOException} if there is none. */
    public CompletableFuture<Integer> send(URI address, JsonNode body) {
        HttpRequest request = HttpRequest.newBuilder(address)
                .timeout(patience)
                .header("content-type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofByteArray(Json.bytes(body)))
                .build();
        return client.sendAsync(request, HttpResponse.BodyHandlers.discarding()).thenApply(HttpResponse::statusCode);
    }

    @Override
    public void close() {
        client.shutdownNow();
    }
}
