// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import static dev.tandem.gateway.fleet.TestEngine.answer;
import static dev.tandem.gateway.fleet.TestEngine.silence;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.disagg.ConnectorChoice;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.Probe;
import dev.tandem.core.fleet.Probe.Healthy;
import dev.tandem.core.fleet.Probe.Unhealthy;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.health.ForwardProgress;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.io.IOException;
import java.net.NoRouteToHostException;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;
import reactor.netty.resources.ConnectionProvider;
import reactor.netty.tcp.TcpServer;

final class HttpProbeTest {
    private static final Duration DEADLINE = Duration.ofSeconds(20);
    private static final Duration PATIENT = Duration.ofSeconds(10);
    private static final Duration IMPATIENT = Duration.ofSeconds(1);

    private final ConnectionProvider connections = ConnectionProvider.create("test", 2);

    @AfterEach
    void close() {
        connections.dispose();
    }

    @Test
    void healthyWorkerListsItsModels() {
        try (TestEngine engine = new TestEngine(answer(200, ""), answer(200, TestEngine.MODELS))) {
            assertThat(probe(engine, PATIENT)).isEqualTo(new Healthy(Set.of("tiny")));
        }
    }

    @Test
    void bodyOfHealthDoesNotMatter() {
        try (TestEngine engine = new TestEngine(answer(200, "{\"status\":\"ok\"}"), answer(200, TestEngine.MODELS))) {
            assertThat(probe(engine, PATIENT)).isEqualTo(new Healthy(Set.of("tiny")));
        }
    }

    /**
     * A request has been refused between two probes that went well: the engine has another id, and tells it at once.
     */
    @Test
    void anEngineThatWasGoneBetweenTwoProbesIsAskedAnew() {
        Deque<String> offers = new ArrayDeque<>(List.of("e1", "e2"));
        AtomicBoolean down = new AtomicBoolean();
        DisposableServer engine = HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .route(routes -> routes.get("/health", answer(200, ""))
                        .get("/v1/models", answer(200, TestEngine.MODELS))
                        .post(
                                "/v1/completions",
                                (request, response) -> response.sendString(Mono.just(
                                        "{\"kv_transfer_params\":{\"remote_host\":\"10.0.0.1\",\"remote_port\":5600,"
                                                + "\"remote_engine_id\":\"" + offers.remove() + "\"}}"))))
                .bindNow();
        try {
            Worker worker = new Worker("p", URI.create("http://127.0.0.1:" + engine.port()), Role.PREFILL);
            ProbeTargets targets = new ProbeTargets(
                    () -> List.of(worker),
                    any -> null,
                    any -> down.get(),
                    any -> EngineFacts.UNKNOWN.speaking("nixl-push"),
                    ConnectorChoice.named("nixl-push").orElseThrow(),
                    any -> new ForwardProgress(System::nanoTime));
            HttpProbe probe = new HttpProbe(connections, settings(PATIENT), targets);

            assertThat(engineId(probe, worker)).isEqualTo("e1");
            assertThat(engineId(probe, worker)).isEqualTo("e1");
            down.set(true);
            assertThat(engineId(probe, worker)).isEqualTo("e2");
        } finally {
            engine.disposeNow();
        }
    }

    private static String engineId(HttpProbe probe, Worker worker) {
        Probe result = probe.probe(worker).block(DEADLINE);
        assertThat(result).isInstanceOf(Healthy.class);
        KvAddress kv = ((Healthy) Objects.requireNonNull(result)).facts().kv();
        return kv == null ? "no address" : String.valueOf(kv.engineId());
    }

    @Test
    void refusedConnectionIsNamed() {
        int port;
        try (TestEngine engine = new TestEngine(silence(), silence())) {
            port = engine.port();
        }
        assertThat(probe(TestEngine.worker("w", port), PATIENT, null)).isEqualTo(new Unhealthy("connect refused"));
    }

    @Test
    void reasonsNameNoHostAndNoText() {
        assertThat(HttpProbe.reason(new UnknownHostException("engine.internal")))
                .isEqualTo("unknown host");
        assertThat(HttpProbe.reason(new NoRouteToHostException("10.1.2.3"))).isEqualTo("no route to host");
        assertThat(HttpProbe.reason(new SSLException("engine.internal"))).isEqualTo("tls failed");
        assertThat(HttpProbe.reason(new IOException("engine.internal"))).isEqualTo("connection lost");
        assertThat(HttpProbe.reason(new IllegalStateException("engine.internal")))
                .isEqualTo("probe failed: IllegalStateException");
    }

    @ParameterizedTest
    @ValueSource(ints = {204, 302, 404, 500, 503})
    void healthMustBe200(int status) {
        try (TestEngine engine = new TestEngine(answer(status, "secret text"), answer(200, TestEngine.MODELS))) {
            assertThat(probe(engine, PATIENT)).isEqualTo(new Unhealthy("health: " + status));
        }
    }

    @Test
    void silentHealthEndsAtTheTimeout() {
        try (TestEngine engine = new TestEngine(silence(), answer(200, TestEngine.MODELS))) {
            assertThat(probe(engine, IMPATIENT)).isEqualTo(new Unhealthy("health: no answer in 1 s"));
        }
    }

    @Test
    void endlessTrickleEndsAtTheTimeout() {
        try (TestEngine engine = new TestEngine(
                answer(200, ""),
                (request, response) -> response.sendString(
                        Flux.interval(Duration.ofMillis(5)).map(tick -> " ").onBackpressureDrop()))) {
            assertThat(probe(engine, IMPATIENT)).isEqualTo(new Unhealthy("models: no answer in 1 s"));
        }
    }

    @Test
    void hugeBodyIsCutOff() {
        String piece = " ".repeat(64 << 10);
        try (TestEngine engine = new TestEngine(
                answer(200, ""),
                (request, response) -> response.sendString(Flux.range(0, 65).map(i -> piece)))) {
            assertThat(probe(engine, PATIENT)).isEqualTo(new Unhealthy("models: answer too large"));
        }
    }

    @Test
    void garbageIsNotAList() {
        try (TestEngine engine = new TestEngine(answer(200, ""), answer(200, "<html>secret</html>"))) {
            assertThat(probe(engine, PATIENT)).isEqualTo(new Unhealthy("models: not JSON"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"})
    void connectionThatBreaksOffIsLost(String sent) {
        DisposableServer server = TcpServer.create()
                .host("127.0.0.1")
                .port(0)
                .handle((in, out) ->
                        out.sendString(in.receive().asString().take(1).map(request -> sent)))
                .bindNow();
        try {
            assertThat(probe(TestEngine.worker("w", server.port()), PATIENT, null))
                    .isEqualTo(new Unhealthy("connection lost"));
        } finally {
            server.disposeNow();
        }
    }

    @Test
    void keyGoesToTheModelsOnly() {
        List<String> seen = new CopyOnWriteArrayList<>();
        try (TestEngine engine = new TestEngine(
                (request, response) -> {
                    seen.add("health " + request.requestHeaders().get(HttpHeaderNames.AUTHORIZATION));
                    return response.send();
                },
                (request, response) -> {
                    seen.add("models " + request.requestHeaders().get(HttpHeaderNames.AUTHORIZATION));
                    return response.sendString(Mono.just(TestEngine.MODELS));
                })) {
            assertThat(probe(engine.worker("w"), PATIENT, "sesame")).isInstanceOf(Healthy.class);
        }
        assertThat(seen).containsExactly("health null", "models Bearer sesame");
    }

    @Test
    void refusedKeyIsToldFromADeadWorker() {
        try (TestEngine engine = new TestEngine(answer(200, ""), answer(401, "{\"error\":\"Unauthorized\"}"))) {
            assertThat(probe(engine, PATIENT)).isEqualTo(new Unhealthy("models: key refused (401)"));
        }
    }

    private Probe probe(TestEngine engine, Duration timeout) {
        return probe(engine.worker("w"), timeout, null);
    }

    private Probe probe(Worker worker, Duration timeout, @Nullable String key) {
        return Objects.requireNonNull(
                new HttpProbe(connections, settings(timeout), TestEngine.targets(List::of, anyone -> key))
                        .probe(worker)
                        .block(DEADLINE));
    }

    private static ProbeSettings settings(Duration timeout) {
        return new ProbeSettings(Duration.ofSeconds(2), timeout);
    }
}
