// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import dev.tandem.simulator.wire.HttpStats;
import dev.tandem.simulator.wire.Json;
import dev.tandem.simulator.wire.Rejection;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import tools.jackson.core.JacksonException;

/**
 * Takes every request of one simulated engine: journal, faults, route, and the answer in uvicorn's header order.
 * Thread-safe.
 */
final class RequestHandler implements BiFunction<HttpServerRequest, HttpServerResponse, Publisher<Void>> {
    private static final String FAULT_HEADER = "x-sim-fault";
    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern(
                    "EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ROOT)
            .withZone(ZoneOffset.UTC);

    private final SimulatedEngine owner;
    private final Routes routes;
    private final AdminRoutes adminRoutes;
    private final Clock clock;
    private final AtomicReference<DateText> date = new AtomicReference<>(new DateText(0, ""));

    RequestHandler(SimulatedEngine owner, Routes routes, Clock clock) {
        this.owner = owner;
        this.routes = routes;
        this.adminRoutes = new AdminRoutes(owner);
        this.clock = clock;
    }

    @Override
    public Publisher<Void> apply(HttpServerRequest request, HttpServerResponse response) {
        AtomicReference<Channel> channel = new AtomicReference<>();
        response.withConnection(connection -> channel.set(connection.channel()));
        return request.receive()
                .aggregate()
                .asByteArray()
                .defaultIfEmpty(new byte[0])
                .flatMap(body -> answer(
                        request,
                        response,
                        new Call(
                                request.method().name(),
                                path(request.uri()),
                                request.requestHeaders(),
                                body,
                                channel.get(),
                                clock.instant().getEpochSecond(),
                                null)));
    }

    private Mono<Void> answer(HttpServerRequest request, HttpServerResponse response, Call call) {
        if (owner.options().admin() && call.path().startsWith("/sim/")) {
            return write(response, call, adminRoutes.answer(call));
        }
        SeenRequest seen = owner.journal().add(call.method(), request.uri(), entries(call.headers()), call.body());
        Faults.RawAnswer raw = owner.faults().takeRaw(call.path());
        if (raw != null) {
            RawBytes.send(call.channel(), raw);
            return Mono.never();
        }
        long start = System.nanoTime();
        return new FaultyAnswer(owner, call.channel(), seen)
                .apply(faults(call), routed(call.journaled(seen)))
                .flatMap(answer -> write(response, call, observed(answer, seen)).doOnSuccess(done -> {
                    ended(answer, seen);
                    count(call, answer, start);
                }))
                .doOnCancel(() -> seen.endAs(SeenRequest.End.ABORTED_BY_CLIENT))
                .doOnError(error -> seen.endAs(SeenRequest.End.ABORTED_BY_CLIENT));
    }

    /** The end of a stream is seen on its events: the response completes normally when a client leaves. */
    private static Answer observed(Answer answer, SeenRequest seen) {
        return switch (answer) {
            case Answer.Whole whole -> whole;
            case Answer.Stream(Flux<byte[]> events) ->
                new Answer.Stream(events.doOnComplete(() -> seen.endAs(SeenRequest.End.COMPLETED))
                        .doOnCancel(() -> seen.endAs(SeenRequest.End.ABORTED_BY_CLIENT)));
        };
    }

    private static void ended(Answer answer, SeenRequest seen) {
        if (answer instanceof Answer.Whole) {
            seen.endAs(SeenRequest.End.COMPLETED);
        }
    }

    private void count(Call call, Answer answer, long startNanos) {
        int status = 200;
        long length = 0;
        if (answer instanceof Answer.Whole whole) {
            status = whole.status();
            length = whole.body().length;
        }
        boolean routed = routes.knows(call.path());
        HttpStats.Exchange exchange =
                new HttpStats.Exchange(call.path(), routed, call.method(), status, call.body().length, length);
        routes.stats().count(exchange, (System.nanoTime() - startNanos) / 1e9, clock.millis() / 1e3);
    }

    private Mono<Answer> routed(Call call) {
        if (call.method().equals("OPTIONS") && call.headers().contains("access-control-request-method")) {
            return Mono.just(disallowedOrigin());
        }
        return authorised(call)
                ? routes.answer(call)
                : Mono.just(Answer.json(401, Json.object().put("error", "Unauthorized")));
    }

    private boolean authorised(Call call) {
        String key = owner.options().apiKey();
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

    private List<Fault> faults(Call call) {
        List<Fault> hits = new ArrayList<>(owner.faults().take(call.path()));
        String header = call.header(FAULT_HEADER);
        if (header != null && owner.options().admin()) {
            try {
                hits.addAll(Faults.read(Json.MAPPER.readTree(header)));
            } catch (JacksonException | IllegalArgumentException e) {
                throw Rejection.badRequest(FAULT_HEADER + ": " + e.getMessage());
            }
        }
        return hits;
    }

    private Mono<Void> write(HttpServerResponse response, Call call, Answer answer) {
        HttpHeaders headers = response.responseHeaders();
        headers.set("date", date()).set("server", "uvicorn");
        String requestId = call.header("x-request-id");
        if (owner.options().requestIdHeader() && requestId != null) {
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

    private static String path(String uri) {
        int query = uri.indexOf('?');
        return query < 0 ? uri : uri.substring(0, query);
    }

    private static List<Map.Entry<String, String>> entries(HttpHeaders headers) {
        List<Map.Entry<String, String>> entries = new ArrayList<>();
        headers.forEach(header -> entries.add(Map.entry(header.getKey(), header.getValue())));
        return entries;
    }

    /** A formatted second. */
    private record DateText(long second, String text) {}
}
