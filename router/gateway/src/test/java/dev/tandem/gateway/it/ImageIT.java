// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.utility.DockerImageName;

/**
 * The project's own image, as Compose builds it. Which one is said by {@code -Dtandem.image=tandem/router:local};
 * without it the tests are skipped, with it the image must be there.
 */
class ImageIT {
    private static final String IMAGE = System.getProperty("tandem.image", "");
    private static final int API = 8088;
    private static final int MANAGEMENT = 9088;

    @BeforeEach
    void needsTheImage() {
        assumeThat(IMAGE)
                .as("no image is named: docker compose build router, then -Dtandem.image=tandem/router:local")
                .isNotEmpty();
        assertThat(imageIsThere())
                .as("a Docker engine answers and has %s", IMAGE)
                .isTrue();
    }

    private static boolean imageIsThere() {
        return DockerClientFactory.instance().isDockerAvailable()
                && !DockerClientFactory.lazyClient()
                        .listImagesCmd()
                        .withReferenceFilter(IMAGE)
                        .exec()
                        .isEmpty();
    }

    /** Read-only, without a capability, as another user than root: as docker-compose.yml runs it. */
    private static GenericContainer<?> router() {
        return new GenericContainer<>(DockerImageName.parse(IMAGE))
                .withImagePullPolicy(name -> false)
                .withExposedPorts(API, MANAGEMENT)
                .withTmpFs(java.util.Map.of("/tmp", "exec,size=128m,mode=1777"))
                .withCreateContainerCmdModifier(create -> {
                    var host = create.getHostConfig();
                    if (host != null) {
                        host.withReadonlyRootfs(true)
                                .withCapDrop(com.github.dockerjava.api.model.Capability.ALL)
                                .withSecurityOpts(List.of("no-new-privileges:true"));
                    }
                })
                .waitingFor(Wait.forHttp("/healthz").forPort(API).withStartupTimeout(Duration.ofMinutes(3)));
    }

    @Test
    void answersWithItsEmbeddedEngines() throws Exception {
        try (GenericContainer<?> router = router()) {
            router.start();

            HttpResponse<String> answer =
                    post(router, "/v1/completions", "{\"model\":\"tandem-sim\",\"prompt\":\"hello\",\"max_tokens\":4}");
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.headers().firstValue("x-tandem-simulated")).contains("true");
            assertThat(get(router, MANAGEMENT, "/metrics").body()).contains("tandem_requests_total");
        }
    }

    @Test
    void doesNotRunAsRoot() {
        try (GenericContainer<?> router = router()) {
            router.start();

            assertThat(router.getContainerInfo().getConfig().getUser()).isEqualTo("10001:10001");
        }
    }

    private static HttpResponse<String> post(GenericContainer<?> router, String path, String body) throws Exception {
        return send(HttpRequest.newBuilder(uri(router, API, path))
                .header("content-type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build());
    }

    private static HttpResponse<String> get(GenericContainer<?> router, int port, String path) throws Exception {
        return send(HttpRequest.newBuilder(uri(router, port, path)).build());
    }

    private static URI uri(GenericContainer<?> router, int port, String path) {
        return URI.create("http://" + router.getHost() + ":" + router.getMappedPort(port) + path);
    }

    private static HttpResponse<String> send(HttpRequest request) throws Exception {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(request, HttpResponse.BodyHandlers.ofString());
        }
    }
}
