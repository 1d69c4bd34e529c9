// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import dev.tandem.core.fleet.Worker;
import io.netty.channel.ChannelOption;
import io.netty.channel.ConnectTimeoutException;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;
import reactor.netty.ByteBufFlux;
import reactor.netty.ByteBufMono;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.client.HttpClientResponse;
import reactor.netty.resources.ConnectionProvider;

/** Asks engines small questions, within a time and a size. Thread-safe. */
final class ProbeClient {
    private static final int MAX_BODY = 4 << 20;

    private final HttpClient client;
    private final Duration timeout;

    ProbeClient(ConnectionProvider connections, Duration timeout) {
        this.timeout = timeout;
        this.client = HttpClient.create(connections)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, Math.toIntExact(timeout.toMillis()))
                .headers(headers -> headers.set(HttpHeaderNames.USER_AGENT, "tandem-probe"));
    }

    /**
     * Returns the body of a 200 answer; anything else fails.
     *
     * @param path path at the worker, or the whole address of a server beside it
     * @param step what is asked, for the reason of a failure
     * @param apiKey key of the engine, or null
     */
    Mono<byte[]> get(Worker worker, String path, String step, @Nullable String apiKey) {
        return keyed(apiKey)
                .get()
                .uri(worker.baseUrl().resolve(path))
                .response((response, body) -> read(step, response, body))
                .single()
                .timeout(timeout)
                .onErrorMap(error -> named(step, error));
    }

    /** Returns the body of a 200 answer to a POST under an id of its own; anything else fails. */
    Mono<byte[]> ask(Worker worker, String path, String json, @Nullable String apiKey) {
        String id = "tandem-probe-"
                + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
        HttpClient named = keyed(apiKey).headers(headers -> {
            headers.set("x-request-id", id);
            if (worker.rank() != Worker.ONLY) {
                headers.set("x-data-parallel-rank", Integer.toString(worker.rank()));
            }
        });
        return posted(named, worker, path, json)
                .response((response, body) -> read(path, response, body))
                .single()
                .timeout(timeout)
                .onErrorMap(error -> named(path, error));
    }

    /** Returns the status of the answer to a POST; its body is dropped. */
    Mono<Integer> post(Worker worker, String path, String json, @Nullable String apiKey) {
        return posted(keyed(apiKey), worker, path, json)
                .responseSingle((response, body) ->
                        body.then(Mono.just(response.status().code())))
                .timeout(timeout);
    }

    private static HttpClient.ResponseReceiver<?> posted(HttpClient keyed, Worker worker, String path, String json) {
        return keyed.headers(headers -> headers.set(HttpHeaderNames.CONTENT_TYPE, "application/json"))
                .post()
                .uri(worker.baseUrl().resolve(path))
                .send(ByteBufMono.fromString(Mono.just(json)));
    }

    private HttpClient keyed(@Nullable String apiKey) {
        return apiKey == null
                ? client
                : client.headers(headers -> headers.set(HttpHeaderNames.AUTHORIZATION, "Bearer " + apiKey));
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
        return late ? ProbeFailure.late(step + ": no answer in " + seconds()) : error;
    }

    private String seconds() {
        long millis = timeout.toMillis();
        return millis % 1_000 == 0 ? millis / 1_000 + " s" : millis + " ms";
    }
}
