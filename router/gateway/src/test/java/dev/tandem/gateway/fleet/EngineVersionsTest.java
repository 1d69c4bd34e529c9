// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.EngineVersion;
import dev.tandem.core.fleet.Worker;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;
import reactor.netty.resources.ConnectionProvider;

class EngineVersionsTest {
    private static final Duration DEADLINE = Duration.ofSeconds(10);

    private final AtomicInteger asked = new AtomicInteger();
    private volatile int status = 200;
    private volatile String body = "{\"version\":\"0.32.0\"}";
    private final DisposableServer engine = HttpServer.create()
            .host("127.0.0.1")
            .port(0)
            .route(routes -> routes.get("/version", (request, response) -> {
                asked.incrementAndGet();
                return response.status(status).sendString(Mono.just(body));
            }))
            .bindNow();
    private final ConnectionProvider connections = ConnectionProvider.newConnection();
    private final EngineVersions versions = new EngineVersions(new ProbeClient(connections, DEADLINE));
    private final Worker worker = TestEngine.worker("p", engine.port());

    @AfterEach
    void stop() {
        engine.disposeNow();
        connections.dispose();
    }

    @Test
    void asksOnceUntilTheEngineIsGone() {
        assertThat(version()).isEqualTo("0.32.0");
        body = "{\"version\":\"0.33.0\"}";
        assertThat(version()).isEqualTo("0.32.0");
        assertThat(asked).hasValue(1);

        versions.forget(worker);
        assertThat(version()).isEqualTo("0.33.0");
    }

    @Test
    void asksNobodyWhoHasSaidIt() {
        EngineFacts known = EngineFacts.UNKNOWN.running(new EngineVersion("b11669"));

        assertThat(versions.complete(worker, known, null).block(DEADLINE)).isEqualTo(known);
        assertThat(asked).hasValue(0);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "<html>", "[]", "{}", "{\"version\":7}", "{\"version\":\"\"}", "{\"version\":\"a\\u0007b\"}"
            })
    void whatIsNoVersionIsNone(String answer) {
        body = answer;

        assertThat(version()).isNull();
    }

    @Test
    void anEngineWithoutOneIsAskedOnce() {
        status = 404;

        assertThat(version()).isNull();
        assertThat(version()).isNull();
        assertThat(asked).hasValue(1);
    }

    @Test
    void aLostConnectionIsAskedAgain() {
        engine.disposeNow();

        assertThat(version()).isNull();

        DisposableServer back = HttpServer.create()
                .host("127.0.0.1")
                .port(worker.baseUrl().getPort())
                .route(routes -> routes.get("/version", (request, response) -> response.sendString(Mono.just(body))))
                .bindNow();
        assertThat(version()).isEqualTo("0.32.0");
        back.disposeNow();
    }

    private @Nullable String version() {
        EngineFacts facts = Objects.requireNonNull(
                versions.complete(worker, EngineFacts.UNKNOWN, null).block(DEADLINE));
        EngineVersion version = facts.version();
        return version == null ? null : version.text();
    }
}
