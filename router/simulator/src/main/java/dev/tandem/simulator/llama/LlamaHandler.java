// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import dev.tandem.simulator.http.Answer;
import dev.tandem.simulator.http.Call;
import dev.tandem.simulator.http.Fault;
import dev.tandem.simulator.http.SeenRequest;
import dev.tandem.simulator.http.ServerHandler;
import dev.tandem.simulator.wire.Json;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerResponse;
import tools.jackson.databind.node.ObjectNode;

/** The handler of a simulated llama-server: its keys, its faults' shapes, its headers in their order. Thread-safe. */
final class LlamaHandler extends ServerHandler {
    /** Most requests on one connection; the answer to the last one closes it. */
    static final int MOST_REQUESTS = 100;

    private static final Set<String> OPEN_PATHS = Set.of("/health", "/v1/health", "/models", "/v1/models");
    private static final String BEARER = "Bearer ";

    private final @Nullable String apiKey;
    private final LlamaRoutes routes;

    LlamaHandler(Owner owner, LlamaOptions options, LlamaRoutes routes, Clock clock) {
        super(owner, options.admin(), clock);
        this.apiKey = options.apiKey();
        this.routes = routes;
    }

    @Override
    protected Mono<Answer> routed(Call call, SeenRequest seen) {
        if (!authorised(call)) {
            return Mono.just(LlamaRoutes.edgeError(401, "authentication_error", "Invalid API Key"));
        }
        int question = seen.path().indexOf('?');
        String query = question < 0 ? "" : seen.path().substring(question + 1);
        return routes.answer(call, query).onErrorResume(LlamaError.class, e -> {
            if (e.violation()) {
                noteViolation(seen, String.valueOf(e.getMessage()));
            }
            return Mono.just(LlamaRoutes.error(e));
        });
    }

    @Override
    protected Mono<Answer> faulted(Call call, SeenRequest seen, List<Fault> faults, Mono<Answer> honest) {
        List<Fault> common = new ArrayList<>();
        Mono<Answer> answer = honest;
        for (Fault fault : faults) {
            switch (fault.kind()) {
                case STATUS -> answer = Mono.just(broken(fault));
                case HEALTH_DOWN -> answer = Mono.just(LlamaRoutes.error(LlamaError.unavailable("Loading model")));
                case NO_MODELS -> answer = Mono.just(LlamaRoutes.json(200, noModels()));
                case ERROR_EVENT -> answer = answer.map(whole -> cut(fault, whole, seen));
                case DELAY, STALL, RESET, TRUNCATE, GARBAGE, SHORTEN, TRICKLE, HEALTH_UP, CRASH, RESTART ->
                    common.add(fault);
                case NO_PARAMS,
                        EMPTY_PARAMS,
                        RECOMPUTED,
                        CALLBACK_TWICE,
                        CALLBACK_UNKNOWN,
                        CALLBACK_NEVER,
                        CALLBACK_GARBAGE,
                        NOTICE_NEVER,
                        NOTICE_GARBAGE -> {}
            }
        }
        return super.faulted(call, seen, common, answer);
    }

    @Override
    protected Mono<Void> write(HttpServerResponse response, Call call, Answer answer) {
        HttpHeaders headers = response.responseHeaders().remove("transfer-encoding");
        String origin = call.header("origin");
        headers.set("Server", "llama.cpp").set("Access-Control-Allow-Origin", origin == null ? "" : origin);
        return switch (answer) {
            case Answer.Whole whole -> write(response, headers, whole, closes(call) || whole.status() >= 400);
            case Answer.Stream(Flux<byte[]> events) -> {
                headers.set("X-Accel-Buffering", "no")
                        .set("Content-Type", "text/event-stream")
                        .set("Transfer-Encoding", "chunked");
                keepAlive(headers, closes(call));
                closeBehind(response);
                yield response.send(events.map(Unpooled::wrappedBuffer), each -> true)
                        .then();
            }
        };
    }

    /** The server closes the connection behind each stream, whatever its headers say. Source: b11669, 2026-11-23. */
    @SuppressWarnings("FutureReturnValueIgnored") // closing cannot fail in a way that matters
    private static void closeBehind(HttpServerResponse response) {
        response.withConnection(connection -> connection
                .onTerminate()
                .subscribe(
                        nothing -> {}, broken -> {}, () -> connection.channel().close()));
    }

    private static Mono<Void> write(
            HttpServerResponse response, HttpHeaders headers, Answer.Whole answer, boolean closing) {
        response.status(HttpResponseStatus.valueOf(answer.status()));
        answer.extraHeaders().forEach(header -> headers.set(header.getKey(), header.getValue()));
        if (answer.contentType() != null) {
            headers.set("Content-Type", answer.contentType());
        }
        headers.set("Content-Length", answer.body().length);
        keepAlive(headers, closing);
        return response.send(Mono.just(Unpooled.wrappedBuffer(answer.body()))).then();
    }

    private static boolean closes(Call call) {
        String connection = call.header("connection");
        return connection != null && connection.equalsIgnoreCase("close");
    }

    private static void keepAlive(HttpHeaders headers, boolean closing) {
        if (closing) {
            headers.set("Connection", "close");
        } else {
            headers.set(
                    "Keep-Alive", "timeout=" + SimulatedLlamaServer.KEEP_ALIVE.toSeconds() + ", max=" + MOST_REQUESTS);
        }
    }

    private boolean authorised(Call call) {
        if (apiKey == null || OPEN_PATHS.contains(call.path())) {
            return true;
        }
        String bearer = call.header("authorization");
        String shown = bearer != null && bearer.startsWith(BEARER)
                ? bearer.substring(BEARER.length())
                : call.header("x-api-key");
        return shown != null
                && MessageDigest.isEqual(
                        shown.getBytes(StandardCharsets.UTF_8), apiKey.getBytes(StandardCharsets.UTF_8));
    }

    private static Answer broken(Fault fault) {
        Answer.Whole error = (Answer.Whole) LlamaRoutes.error(LlamaError.of(fault.status(), "simulated fault"));
        if (fault.retryAfter() == null) {
            return error;
        }
        return new Answer.Whole(
                error.status(),
                error.contentType(),
                error.body(),
                List.of(Map.entry("Retry-After", fault.retryAfter())));
    }

    /** An error after the headers is one event and the end of the stream. */
    private static Answer cut(Fault fault, Answer answer, SeenRequest seen) {
        return switch (answer) {
            case Answer.Whole whole -> whole;
            case Answer.Stream(Flux<byte[]> events) -> {
                noteBroken(seen);
                ObjectNode error = LlamaError.server("simulated fault").json();
                yield new Answer.Stream(
                        events.take(Math.max(0, fault.at())).concatWithValues(Json.utf8(LlamaWriter.event(error))));
            }
        };
    }

    private static ObjectNode noModels() {
        ObjectNode body = Json.object();
        body.putArray("models");
        body.put("object", "list").putArray("data");
        return body;
    }
}
