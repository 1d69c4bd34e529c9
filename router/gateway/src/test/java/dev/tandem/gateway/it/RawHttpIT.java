// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.edge.RawCorpus;
import dev.tandem.gateway.edge.RawCorpus.Case;
import dev.tandem.gateway.it.RawClient.Answer;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Requests that are none, over real sockets: each is refused in the shape of OpenAI's errors, and no engine sees it.
 */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@SuppressWarnings("StringConcatToTextBlock") // HTTP is read best as it is on the wire
final class RawHttpIT {
    private static final String MODELS = "GET /v1/models HTTP/1.1\r\nhost: g\r\n\r\n";
    private static final String ASK = "{\"model\":\"tiny\",\"prompt\":\"four\"}";

    /** Groups of requests of whose bodies something is wrong. */
    private static final Set<String> IN_BODIES = Set.of("chunk", "trailer");

    private RawEngine engine;
    private GatewayRig rig;

    @BeforeAll
    void start() throws IOException {
        engine = RawEngine.start("tiny");
        rig = GatewayRig.setup()
                .worker("w1", engine.url(), Role.UNIFIED)
                .set("tandem.edge.max-pipelined", "2")
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
        engine.on((request, wire) -> wire.json(200, "{}"));
    }

    static List<Case> refused() {
        return RawCorpus.refused();
    }

    /** Some are hundreds of kilobytes in packets of their own; the unit test takes those. */
    static List<Case> refusedAndShort() {
        return RawCorpus.refused().stream()
                .filter(request -> request.bytes().length < 1_000)
                .toList();
    }

    static List<Case> refusedAtTheDoor() {
        return RawCorpus.refused().stream().filter(request -> !request.routed()).toList();
    }

    static List<Case> passing() {
        return RawCorpus.passing();
    }

    @ParameterizedTest
    @MethodSource("refused")
    void whatIsNoProperRequestIsRefused(Case request) throws IOException {
        try (RawClient client = RawClient.open(rig.port())) {
            client.write(request.bytes());

            assertRefused(request, client);
        }
    }

    @ParameterizedTest
    @MethodSource("refusedAndShort")
    void whatIsNoProperRequestIsRefusedByteByByte(Case request) throws IOException {
        try (RawClient client = RawClient.open(rig.port())) {
            writeByteByByte(client, request.bytes());

            assertRefused(request, client);
        }
    }

    /** Nobody reads bodies there, so a broken one ends the connection behind the answer to its head. */
    @ParameterizedTest
    @MethodSource("refusedAtTheDoor")
    void theManagementPortRefusesTheSame(Case request) throws IOException {
        try (RawClient client = RawClient.open(rig.managementPort())) {
            client.write(request.bytes());

            int status = IN_BODIES.contains(request.group()) ? 404 : request.status();
            assertThat(client.read().status()).isEqualTo(status);
            assertThat(client.closedByGateway()).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("passing")
    void theManagementPortTakesTheSameAndHasNoSuchPage(Case request) throws IOException {
        try (RawClient client = RawClient.open(rig.managementPort())) {
            client.write(request.bytes());

            assertThat(client.read().status()).isEqualTo(404);
        }
    }

    @ParameterizedTest
    @MethodSource("passing")
    void whatIsProperIsPassedOn(Case request) throws IOException {
        try (RawClient client = RawClient.open(rig.port())) {
            client.write(request.bytes());

            assertThat(client.read().status()).isEqualTo(200);
        }
        assertThat(engine.received()).singleElement().satisfies(seen -> {
            assertThat(seen.path()).isEqualTo("/v1/completions");
            assertThat(seen.text()).isEqualTo(ASK);
        });
    }

    @Test
    void aThousandRequestsBehindOneEndTheConnection() throws IOException {
        engine.on((request, wire) -> wire.awaitPeerGone());
        try (RawClient client = RawClient.open(rig.port())) {
            client.send("/v1/completions", ASK).write(MODELS.repeat(1_000));

            assertThat(client.closedByGateway()).isTrue();
        }
        Poll.until(
                "the engine sees it",
                () -> engine.peersGone() == engine.received().size());
        assertThat(rig.metric("tandem_edge_rejected_total", "reason=\"pipelined\""))
                .isEqualTo(1);
    }

    @Test
    void aFewRequestsAtOnceAreAnsweredInTheirOrder() throws IOException {
        try (RawClient client = RawClient.open(rig.port())) {
            client.write(MODELS + MODELS.replace("models", "none") + MODELS);

            assertThat(client.read().status()).isEqualTo(200);
            assertThat(client.read().status()).isEqualTo(404);
            assertThat(client.read().status()).isEqualTo(200);
        }
    }

    @Test
    void aRequestBehindAGoodOneIsRefusedInItsTurn() throws IOException {
        engine.on((request, wire) -> wire.json(200, "{\"id\":\"first\"}"));
        try (RawClient client = RawClient.open(rig.port())) {
            client.send("/v1/completions", ASK);
            client.write(MODELS.replace("host", "ho_st") + MODELS);

            assertThat(client.read().text()).isEqualTo("{\"id\":\"first\"}");
            assertOpenAiError(client.read(), 400, "malformed_request");
            assertThat(client.closedByGateway()).isTrue();
        }
    }

    /** What is refused early need not be taken to its end. */
    private static void writeByteByByte(RawClient client, byte[] bytes) {
        try {
            for (byte one : bytes) {
                client.write(new byte[] {one});
            }
        } catch (IOException closed) {
            // the refusal has come
        }
    }

    private void assertRefused(Case request, RawClient client) throws IOException {
        Answer answer = client.read();
        assertThat(answer.status()).as(answer.toString()).isEqualTo(request.status());
        assertThat(json(answer).path("error").path("type").asString()).isEqualTo("invalid_request_error");
        if (!request.routed()) {
            assertThat(client.closedByGateway()).isTrue();
        }
        assertThat(engine.received()).isEmpty();
    }

    private static JsonNode json(Answer answer) {
        return JsonMapper.shared().readTree(answer.text());
    }

    private static void assertOpenAiError(Answer answer, int status, String code) {
        assertThat(answer.status()).as(answer.toString()).isEqualTo(status);
        assertThat(answer.header("content-type")).isEqualTo("application/json");
        assertThat(json(answer).path("error").path("code").asString()).isEqualTo(code);
    }
}
