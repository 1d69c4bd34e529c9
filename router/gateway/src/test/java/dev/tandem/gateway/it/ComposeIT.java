// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.tandem.gateway.it.RawClient.Answer;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.ComposeContainer;
import org.testcontainers.containers.wait.strategy.Wait;

/**
 * The project's own Compose file with profile {@code sim}. Which image it runs is said by
 * {@code -Dtandem.image=tandem/router:local}; without it the tests are skipped, with it a Docker engine must answer.
 */
@TestInstance(Lifecycle.PER_CLASS)
class ComposeIT {
    private static final String IMAGE = System.getProperty("tandem.image", "");
    private static final File FILE = new File("../../docker-compose.yml");
    private static final String ASK =
            "{\"model\":\"tandem-sim\",\"max_tokens\":4,\"prompt\":\"" + "a prompt of many words ".repeat(100) + "\"}";

    private ComposeContainer stack;
    private int port;

    @BeforeAll
    void start() throws IOException {
        assumeThat(IMAGE)
                .as("no image is named: docker compose build router, then -Dtandem.image=tandem/router:local")
                .isNotEmpty();
        assertThat(DockerClientFactory.instance().isDockerAvailable())
                .as("a Docker engine answers")
                .isTrue();
        port = FreePort.any();
        stack = new ComposeContainer(FILE)
                .withEnv("COMPOSE_PROFILES", "sim")
                .withEnv("MODEL_ID", "tandem-sim")
                .withEnv("ROUTER_IMAGE", IMAGE)
                .withEnv("ROUTER_BIND", "127.0.0.1")
                .withEnv("ROUTER_PORT", Integer.toString(port))
                .withEnv("MANAGEMENT_PORT", Integer.toString(FreePort.any()))
                .withEnv("PREFILL_PORT", Integer.toString(FreePort.any()))
                .withEnv("DECODE_PORT", Integer.toString(FreePort.any()))
                .withBuild(false)
                .withPull(false)
                .waitingFor("router", Wait.forHealthcheck().withStartupTimeout(Duration.ofMinutes(3)));
        stack.start();
        Poll.until(() -> "both engines up", () -> ask("GET", "/healthz", "").contains("\"status\":\"ok\""));
    }

    @AfterAll
    void stop() {
        if (stack != null) {
            stack.stop();
        }
    }

    private String ask(String method, String path, String body) {
        try {
            return RawClient.ask(port, method, path, body.getBytes(StandardCharsets.UTF_8))
                    .text();
        } catch (IOException notYet) {
            return "";
        }
    }

    @Test
    void decodeFindsWhatPrefillHasStored() throws IOException {
        Answer answer = RawClient.post(port, "/v1/completions", ASK);

        assertThat(answer.header("x-tandem-prefill")).isEqualTo("prefill-1");
        assertThat(answer.header("x-tandem-decode")).isEqualTo("decode-1");
        assertThat(Integer.parseInt(answer.header("x-tandem-cached-tokens"))).isPositive();
    }

    @Test
    void bothEnginesServeOneModel() {
        assertThat(ask("GET", "/v1/models", "")).contains("tandem-sim");
    }
}
