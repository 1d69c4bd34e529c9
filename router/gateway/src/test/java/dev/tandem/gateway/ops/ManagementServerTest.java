// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.ops;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.FleetSettings;
import dev.tandem.core.fleet.Probe;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.fleet.WorkerStatus.State;
import dev.tandem.core.time.Ticker;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ManagementServerTest {
    private final Fleet fleet = new Fleet(FleetSettings.defaults(), Ticker.SYSTEM);
    private final ManagementServer server = ManagementServer.start(
            "127.0.0.1",
            0,
            UnaryOperator.identity(),
            Map.of("/page", () -> new Page(200, "text/plain", "hello")),
            new WorkerDrains(fleet));

    ManagementServerTest() {
        fleet.replace(List.of(new Worker("w1", URI.create("http://127.0.0.1:1"), Role.UNIFIED)));
        fleet.onProbe("w1", new Probe.Healthy(Set.of("m")));
    }

    @AfterEach
    void close() {
        server.close();
    }

    @Test
    void servesItsPagesAndNothingElse() throws Exception {
        HttpResponse<String> page = ask("GET", "/page");

        assertThat(page.body()).isEqualTo("hello");
        assertThat(page.headers().firstValue("cache-control")).contains("no-store");
        assertThat(ask("GET", "/v1/models").statusCode()).isEqualTo(404);
    }

    @Test
    void drainsAWorkerAndPutsItBack() throws Exception {
        assertThat(ask("POST", "/workers/w1/drain").body()).isEqualTo("{\"id\":\"w1\",\"draining\":true}");
        assertThat(fleet.statuses().getFirst().state()).isEqualTo(State.DRAINING);

        assertThat(ask("DELETE", "/workers/w1/drain").statusCode()).isEqualTo(200);
        assertThat(fleet.statuses().getFirst().state()).isEqualTo(State.UP);
    }

    @Test
    void knowsOnlyItsWorkers() throws Exception {
        assertThat(ask("POST", "/workers/w2/drain").statusCode()).isEqualTo(404);
        assertThat(ask("POST", "/workers/%22%7B/drain").statusCode()).isEqualTo(404);
    }

    private HttpResponse<String> ask(String method, String path) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
                .method(method, HttpRequest.BodyPublishers.noBody())
                .build();
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(request, HttpResponse.BodyHandlers.ofString());
        }
    }
}
