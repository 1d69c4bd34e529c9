// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import dev.tandem.simulator.wire.HttpStats;
import dev.tandem.simulator.wire.Json;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerResponse;

/** The handler of a simulated engine: vLLM's routes and keys, and answers in uvicorn's header order. Thread-safe. */
final class RequestHandler extends ServerHandler {
    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern(
                    "EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ROOT)
            .withZone(ZoneOffset.UTC);

    private final EngineOptions options;
    private final Routes routes;
    private final Clock clock;
    private final AtomicReference<DateText> date = new AtomicReference<>(new DateText(0, ""));

    RequestHandler(SimulatedEngine owner, Routes routes, Clock clock) {
        super(owner, owner.options().admin(), clock);
        this.options = owner.options();
        this.routes = routes;
        this.clock = clock;
    }

    @Override
    protected void onSent(Call call, Answer answer, long startNanos) {
        count(call, answer, startNanos);
    }

    private void count(Call call, Answer answer, long startNanos) {
        int status = switch (answer) {
            case Answer.Whole whole -> whole.status();
            case Answer.Stream stream -> 200;
        };
        int length = switch (answer) {
            case Answer.Whole whole -> whole.body().length;
            case Answer.Stream stream -> 0;
        };
        boolean routed = routes.knows(call.path());
        HttpStats.Exchange exchange =
                new HttpStats.Exchange(call.path(), routed, call.method(), status, call.body().length, length);
        routes.stats().count(exchange, (System.nanoTime() - startNanos) / 1e9, clock.millis() / 1e3);
    }

    @Override
    protected Mono<Answer> routed(Call call, SeenRequest seen) {
        if (call.method().equals("OPTIONS") && call.headers().contains("access-control-request-method")) {
            return Mono.just(disallowedOrigin());
        }
        return authorised(call)
                ? routes.answer(call)
                : Mono.just(Answer.json(401, Json.object().put("error", "Unauthorized")));
    }

    private boolean authorised(Call call) {
        String key = options.apiKey();
        if (key == null || Stream.of("/v1", "/v2", "/inference", "/cohere").noneMatch(call.path()::startsWith)) {
            return true;
        }
        String shown = call.header("authorization");
        byte[] expected = ("Bearer " + key).getBytes(StandardCharsets.UTF_8);
        return shown != null && MessageDigest.isEqual(shown.getBytes(StandardCharsets.UTF_8), expected);
    }

    private static Answer disallowedOrigin() {
        return new Answer.Whole(
                400,
                "text/plain; charset=utf-8",
                Json.utf8("Disallowed CORS origin"),
                List.of(
                        Map.entry(
                                "vary",
                                "Origin, Access-Control-Request-Method, Access-Control-Request-Headers,"
                                        + " Access-Control-Request-Private-Network"),
                        Map.entry(
                                "access-control-allow-methods", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, QUERY"),
                        Map.entry("access-control-max-age", "600")));
    }

    @Override
    protected Mono<Void> write(HttpServerResponse response, Call call, Answer answer) {
        HttpHeaders headers = response.responseHeaders();
        headers.set("date", date()).set("server", "uvicorn");
        String requestId = call.header("x-request-id");
        if (options.requestIdHeader() && requestId != null) {
            headers.set("x-request-id", requestId);
        }
        return switch (answer) {
            case Answer.Whole whole -> write(response, headers, whole);
            case Answer.Stream stream -> {
                headers.set("content-type", "text/event-stream; charset=utf-8").set("vary", "Origin");
                headers.remove("transfer-encoding").set("transfer-encoding", "chunked");
                yield response.send(stream.events().map(Unpooled::wrappedBuffer), each -> true)
                        .then();
            }
        };
    }

    private static Mono<Void> write(HttpServerResponse response, HttpHeaders headers, Answer.Whole answer) {
        response.status(HttpResponseStatus.valueOf(answer.status()));
        answer.extraHeaders().forEach(header -> headers.set(header.getKey(), header.getValue()));
        headers.set("content-length", answer.body().length);
        if (answer.contentType() != null) {
            headers.set("content-type", answer.contentType());
        }
        if (!headers.contains("vary")) {
            headers.set("vary", "Origin");
        }
        return response.send(Mono.just(Unpooled.wrappedBuffer(answer.body()))).then();
    }

    private String date() {
        Instant now = clock.instant();
        DateText cached = date.get();
        if (cached.second != now.getEpochSecond()) {
            cached = new DateText(now.getEpochSecond(), DATE.format(now));
            date.set(cached);
        }
        return cached.text;
    }

    /** A formatted second. */
    private record DateText(long second, String text) {}
}
