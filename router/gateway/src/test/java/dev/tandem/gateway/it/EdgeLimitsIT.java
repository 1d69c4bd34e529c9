// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What clients may hold of the gateway: connections, time and memory. */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@SuppressWarnings("StringConcatToTextBlock") // HTTP is read best as it is on the wire
final class EdgeLimitsIT {
    private static final String MODELS = "GET /v1/models HTTP/1.1\r\nhost: g\r\n\r\n";
    private static final int MOST_CONNECTIONS = 100;
    private static final int MOST_BODY_BYTES = 100_000;

    private RawEngine engine;
    private GatewayRig rig;

    @BeforeAll
    void start() throws IOException {
        engine = RawEngine.start("tiny");
        rig = GatewayRig.setup()
                .worker("w1", engine.url(), Role.UNIFIED)
                .set("tandem.edge.head-timeout", "300ms")
                .set("tandem.edge.max-connections", Integer.toString(MOST_CONNECTIONS))
                .set("tandem.body.max-in-flight", MOST_BODY_BYTES + "B")
                .start();
    }

    @AfterAll
    void stop() throws IOException {
        rig.close();
        engine.close();
    }

    @AfterEach
    void nothingIsLeft() {
        rig.assertNothingLeft();
        engine.clear();
        Poll.until("no connections", () -> rig.metric("tandem_edge_connections") == 0);
    }

    @Test
    void aHeadThatTricklesIsCutOff() throws IOException {
        double before = rig.metric("tandem_edge_rejected_total", "reason=\"slow_head\"");
        try (RawClient client = RawClient.open(rig.port())) {
            client.write("GET /v1/models HTTP/1.1\r\nhost");

            assertOpenAiError(client.read(), 408, "request_timeout");
            assertThat(client.closedByGateway()).isTrue();
        }
        assertThat(rig.metric("tandem_edge_rejected_total", "reason=\"slow_head\""))
                .isEqualTo(before + 1);
    }

    @Test
    void aHeadThatTricklesIntoTheManagementPortIsCutOff() throws IOException {
        try (RawClient client = RawClient.open(rig.managementPort())) {
            client.write("GET /metrics HTTP/1.1\r\nhost");

            assertOpenAiError(client.read(), 408, "request_timeout");
            assertThat(client.closedByGateway()).isTrue();
        }
    }

    @Test
    void aConnectionTooManyIsClosed() throws IOException {
        List<RawClient> clients = new ArrayList<>();
        try {
            for (int i = 0; i < MOST_CONNECTIONS; i++) {
                clients.add(RawClient.open(rig.port()));
            }
            Poll.until("all connected", () -> rig.metric("tandem_edge_connections") == MOST_CONNECTIONS);

            try (RawClient oneMore = RawClient.open(rig.port())) {
                assertThat(oneMore.closedByGateway()).isTrue();
            }
            assertThat(clients.getFirst().write(MODELS).read().status()).isEqualTo(200);
            assertThat(rig.metric("tandem_edge_rejected_total", "reason=\"connections\""))
                    .isEqualTo(1);
        } finally {
            for (RawClient client : clients) {
                client.close();
            }
        }
        Poll.until("all gone", () -> rig.metric("tandem_edge_connections") == 0);
        assertThat(RawClient.get(rig.port(), "/v1/models").status()).isEqualTo(200);
    }

    @Test
    void aBodyTooManyIsRefusedWhileTheOthersAreHeld() throws IOException {
        String half = "x".repeat(MOST_BODY_BYTES * 2 / 3);
        try (RawClient first = RawClient.open(rig.port())) {
            first.write("POST /v1/completions HTTP/1.1\r\nhost: g\r\ncontent-type: application/json\r\ncontent-length: "
                    + MOST_BODY_BYTES + "\r\n\r\n" + half);
            Poll.until("held", () -> rig.metric("tandem_edge_bodies_bytes") == half.length());

            Answer refused = RawClient.post(rig.port(), "/v1/completions", "{\"prompt\":\"" + half + "\"}");

            assertOpenAiError(refused, 503, "overloaded");
            assertThat(refused.header("retry-after")).isNotEmpty();
        }
        Poll.until("given back", () -> rig.metric("tandem_edge_bodies_bytes") == 0);
    }

    private static void assertOpenAiError(Answer answer, int status, String code) {
        assertThat(answer.status()).as(answer.toString()).isEqualTo(status);
        assertThat(answer.header("content-type")).isEqualTo("application/json");
        JsonNode error = JsonMapper.shared().readTree(answer.text()).path("error");
        assertThat(error.path("code").asString()).isEqualTo(code);
    }
}
