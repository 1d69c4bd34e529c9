// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import dev.tandem.core.fleet.Probe;
import dev.tandem.core.fleet.Worker;
import io.netty.channel.ChannelOption;
import io.netty.channel.ConnectTimeoutException;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;
import reactor.netty.ByteBufFlux;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.client.HttpClientResponse;
import reactor.netty.resources.ConnectionProvider;

/**
 * One probe over HTTP: {@code GET /health} must answer 200, then {@code GET /v1/models} must list a model. Thread-safe.
 *
 * <p>GET, since vLLM answers HEAD with 405. The API key goes to {@code /v1/models} only, the one path of the two that
 * vLLM guards with it. Source: vLLM 0.32, 2026-11-21.
 */
final class HttpProbe {
    private static final int MAX_BODY = 1 << 20;

    private final HttpClient client;
    private final Duration timeout;

    HttpProbe(ConnectionProvider connections, Duration timeout) {
        this.timeout = timeout;
        this.client = HttpClient.create(connections)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, Math.toIntExact(timeout.toMillis()))
                .headers(headers -> headers.set(HttpHeaderNames.USER_AGENT, "tandem-probe"));
    }

    /** Probes a worker; the Mono always has a result and never fails. */
    Mono<Probe> probe(Worker worker, @Nullable String apiKey) {
        return get(worker, "/health", "health", null)
                .then(get(worker, "/v1/models", "models", apiKey))
                .<Probe>map(body -> new Probe.Healthy(ModelList.read(body)))
                .onErrorResume(error -> Mono.just(new Probe.Unhealthy(reason(error))));
    }

    private Mono<byte[]> get(Worker worker, String path, String step, @Nullable String apiKey) {
        HttpClient keyed = apiKey == null
                ? client
                : client.headers(headers -> headers.set(HttpHeaderNames.AUTHORIZATION, "Bearer " + apiKey));
        return keyed.get()
                .uri(worker.baseUrl().resolve(path))
                .response((response, body) -> read(step, response, body))
                .single()
                .timeout(timeout)
                .onErrorMap(error -> named(step, error));
    }

    private static Publisher<byte[]> read(String step, HttpClientResponse response, ByteBufFlux body) {
        int status = response.status().code();
        return switch (status) {
            case 200 ->
                body.asByteArray()
                        .reduceWith(ByteArrayOutputStream::new, (read, part) -> append(step, read, part))
                        .map(ByteArrayOutputStream::toByteArray);
            case 401, 403 -> Mono.error(new ProbeFailure(step + ": key refused (" + status + ")"));
            default -> Mono.error(new ProbeFailure(step + ": " + status));
        };
    }

    private static ByteArrayOutputStream append(String step, ByteArrayOutputStream read, byte[] part) {
        if (read.size() + part.length > MAX_BODY) {
            throw new ProbeFailure(step + ": answer too large");
        }
        read.writeBytes(part);
        return read;
    }

    private Throwable named(String step, Throwable error) {
        boolean late = error instanceof TimeoutException || error instanceof ConnectTimeoutException;
        return late ? new ProbeFailure(step + ": no answer in " + seconds()) : error;
    }

    private String seconds() {
        long millis = timeout.toMillis();
        return millis % 1_000 == 0 ? millis / 1_000 + " s" : millis + " ms";
    }

    /** Returns what an error means, in words that are safe to show. */
    static String reason(Throwable error) {
        if (error instanceof ProbeFailure failure) {
            return failure.reason();
        }
        if (error instanceof UnknownHostException) {
            return "unknown host";
        }
        if (error instanceof ConnectException) {
            return "connect refused";
        }
        if (error instanceof NoRouteToHostException) {
            return "no route to host";
        }
        if (error instanceof SSLException) {
            return "tls failed";
        }
        return error instanceof IOException
                ? "connection lost"
                : "probe failed: " + error.getClass().getSimpleName();
    }
}
