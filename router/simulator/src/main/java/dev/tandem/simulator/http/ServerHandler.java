// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import dev.tandem.simulator.wire.Json;
import dev.tandem.simulator.wire.Rejection;
import io.netty.channel.Channel;
import io.netty.handler.codec.http.HttpHeaders;
import java.net.URI;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiFunction;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import tools.jackson.core.JacksonException;

/**
 * Takes every request of one simulated server: journal, admin endpoints, faults, and between them the honest answer. A
 * kind of server says what it answers and how it frames answers. Thread-safe, and subclasses have to be.
 */
public abstract class ServerHandler implements BiFunction<HttpServerRequest, HttpServerResponse, Publisher<Void>> {
    private static final String FAULT_HEADER = "x-sim-fault";

    private final Owner owner;
    private final boolean admin;
    private final AdminRoutes adminRoutes;
    private final Clock clock;

    /** A simulated server of whatever kind. */
    public interface Owner extends AutoCloseable {
        /** Returns the port it listens on. */
        int port();

        /** Returns the address that clients on this machine use. */
        URI baseUrl();

        /** Returns what it has seen. */
        Journal journal();

        /** Returns its fault switches. */
        Faults faults();

        /** Returns the id of this process; a restart changes it. */
        String engineId();

        /** Returns the port on which KV is handed over; 0 without such a one. */
        default int sideChannelPort() {
            return 0;
        }

        /** Returns numbers of what hands KV over. */
        default Map<String, Long> facts() {
            return Map.of();
        }

        /** Drops all connections with a reset and stops listening, as a killed process does. */
        void crash();

        /** Crashes if it is up and comes back on the same port as a new process. */
        void restart();

        /** Ends it in an orderly way. */
        @Override
        void close();
    }

    /** Makes a handler; {@code admin} turns the {@code /sim} endpoints and the {@code x-sim-fault} header on. */
    protected ServerHandler(Owner owner, boolean admin, Clock clock) {
        this.owner = owner;
        this.admin = admin;
        this.adminRoutes = new AdminRoutes(owner);
        this.clock = clock;
    }

    /** Returns the honest answer to a request; {@code seen} is its entry in the journal. */
    protected abstract Mono<Answer> routed(Call call, SeenRequest seen);

    /** Sends an answer. */
    protected abstract Mono<Void> write(HttpServerResponse response, Call call, Answer answer);

    /** Returns the answer that faults make of the honest one. */
    protected Mono<Answer> faulted(Call call, SeenRequest seen, List<Fault> faults, Mono<Answer> honest) {
        return new FaultyAnswer(owner, call.channel(), seen).apply(faults, honest);
    }

    /** An answer has been sent. */
    protected void onSent(Call call, Answer answer, long startNanos) {}

    /** Notes in the journal what a correct router would not have sent. */
    protected static void noteViolation(SeenRequest seen, String what) {
        seen.violates(what);
    }

    /** Notes in the journal that a fault breaks the answer off. */
    protected static void noteBroken(SeenRequest seen) {
        seen.endAs(SeenRequest.End.BROKEN_BY_FAULT);
    }

    @Override
    public final Publisher<Void> apply(HttpServerRequest request, HttpServerResponse response) {
        AtomicReference<Channel> channel = new AtomicReference<>();
        response.withConnection(connection -> channel.set(connection.channel()));
        int question = request.uri().indexOf('?');
        String path = question < 0 ? request.uri() : request.uri().substring(0, question);
        return request.receive()
                .aggregate()
                .asByteArray()
                .defaultIfEmpty(new byte[0])
                .flatMap(body -> answer(
                        request,
                        response,
                        new Call(
                                request.method().name(),
                                path,
                                request.requestHeaders(),
                                body,
                                channel.get(),
                                clock.instant().getEpochSecond(),
                                null,
                                List.of())));
    }

    private Mono<Void> answer(HttpServerRequest request, HttpServerResponse response, Call call) {
        if (admin && call.path().startsWith("/sim/")) {
            return write(response, call, adminRoutes.answer(call));
        }
        SeenRequest seen = owner.journal().add(call.method(), request.uri(), entries(call.headers()), call.body());
        Faults.RawAnswer raw = owner.faults().takeRaw(call.path());
        if (raw != null) {
            RawBytes.send(call.channel(), raw);
            return Mono.never();
        }
        long start = System.nanoTime();
        List<Fault> hits = faults(call);
        return faulted(call, seen, hits, routed(call.journaled(seen).hitBy(hits), seen))
                .flatMap(answer -> write(response, call, observed(answer, seen)).doOnSuccess(done -> {
                    ended(answer, seen);
                    onSent(call, answer, start);
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

    private List<Fault> faults(Call call) {
        List<Fault> hits = new ArrayList<>(owner.faults().take(call.path()));
        String header = call.header(FAULT_HEADER);
        if (header != null && admin) {
            try {
                hits.addAll(Faults.read(Json.MAPPER.readTree(header)));
            } catch (JacksonException | IllegalArgumentException e) {
                throw Rejection.badRequest(FAULT_HEADER + ": " + e.getMessage());
            }
        }
        return hits;
    }

    private static List<Map.Entry<String, String>> entries(HttpHeaders headers) {
        List<Map.Entry<String, String>> entries = new ArrayList<>();
        headers.forEach(header -> entries.add(Map.entry(header.getKey(), header.getValue())));
        return entries;
    }
}
