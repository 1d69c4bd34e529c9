// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import dev.tandem.core.disagg.Handover.ControlCall;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.health.ForwardProgress;
import dev.tandem.gateway.answer.EngineAnswer;
import dev.tandem.gateway.body.BodyEditor;
import dev.tandem.gateway.body.RequestBody;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.ChannelOption;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.concurrent.ImmediateEventExecutor;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.netty.Connection;
import reactor.netty.NettyOutbound;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.client.HttpClientRequest;
import reactor.netty.http.client.HttpClientResponse;
import reactor.netty.resources.ConnectionProvider;

/**
 * Sends legs to engines and hands out the heads of their answers; the only class that knows the HTTP client.
 * Thread-safe.
 *
 * <p>HTTP/1.1, no redirects, no decompression. Reactor Netty repeats a request by itself only when a pooled connection
 * turned out to be closed before anything was written, which engines never see. Foreign exceptions become
 * {@link FailureException}s here.
 */
public final class EngineClient implements AutoCloseable {
    /** vLLM's name for the engine behind one API server; only the gateway sets it. */
    private static final String RANK = "x-data-parallel-rank";

    /**
     * Buffers for what comes from engines: events have a few hundred bytes, and of a client that reads slowly a few
     * buffers are kept, whose memory Netty 4.2 does not give back. At 64 KiB, its default, 3,000 of them kept 268 MiB.
     */
    private static final RecvByteBufAllocator READS = new AdaptiveRecvByteBufAllocator(64, 2_048, 16_384);

    private final ConnectionProvider connections;
    private final HttpClient streams;
    private final HttpClient answers;
    private final Function<Worker, @Nullable String> keys;
    private final Map<Worker, Clients> clients = new ConcurrentHashMap<>();
    private final Function<Worker, ForwardProgress> progresses;
    private final ChannelGroup open = new DefaultChannelGroup(ImmediateEventExecutor.INSTANCE);
    private volatile boolean hungUp;

    /**
     * Makes a client.
     *
     * @param settings time-outs and limits
     * @param keys returns the API key of a worker, or null when it has none
     * @param progresses returns who is told what a worker owes and what comes
     */
    public EngineClient(
            EngineSettings settings,
            Function<Worker, @Nullable String> keys,
            Function<Worker, ForwardProgress> progresses) {
        this.keys = keys;
        this.progresses = progresses;
        this.connections = ConnectionProvider.builder("engines")
                .maxConnections(settings.maxConnections())
                .pendingAcquireMaxCount(settings.maxConnections())
                .pendingAcquireTimeout(settings.connectTimeout().multipliedBy(2))
                .maxIdleTime(settings.idleTimeout())
                .evictInBackground(Duration.ofSeconds(30))
                .lifo()
                .build();
        HttpClient base = LostPeers.noticed(HttpClient.create(connections))
                .doOnConnected(connection -> open.add(connection.channel()))
                .keepAlive(true)
                .compress(false)
                .followRedirect(false)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int)
                        settings.connectTimeout().toMillis())
                .option(ChannelOption.TCP_NODELAY, true)
                .option(ChannelOption.SO_RCVBUF, settings.receiveBuffer())
                .option(ChannelOption.RECVBUF_ALLOCATOR, READS);
        this.streams = base.responseTimeout(settings.streamSilence());
        this.answers = base.responseTimeout(settings.answerSilence());
    }

    /**
     * Sends a leg.
     *
     * @return the head of the answer, whatever its status, or a {@link FailureException}; cancelling closes the
     *     connection
     */
    public Mono<EngineAnswer> send(LegRequest request) {
        return send(request, () -> {});
    }

    /**
     * As {@link #send(LegRequest)}.
     *
     * @param onSent called on an event loop when there is a connection to the engine, and the leg goes out
     */
    Mono<EngineAnswer> send(LegRequest request, Runnable onSent) {
        Clients own = clientsOf(request.leg().worker());
        HttpClient client = own.of(request);
        String path = request.leg().api().path();
        ForwardProgress progress = progresses.apply(request.leg().worker());
        return post(client, path, () -> progress.expect(request.soon()), (out, outbound) -> {
            onSent.run();
            return write(request, own.authorization, out, outbound);
        });
    }

    /**
     * Makes a call of a hand-over.
     *
     * @return as {@link #send}
     */
    Mono<EngineAnswer> call(ControlCall call) {
        Clients own = clientsOf(call.worker());
        ForwardProgress progress = progresses.apply(call.worker());
        return post(own.answers, call.path(), () -> progress.expect(false), (out, outbound) -> {
            ByteBuf body = Unpooled.copiedBuffer(call.json(), StandardCharsets.UTF_8);
            head(out, "application/json", own.authorization)
                    .set(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(body.readableBytes()));
            return outbound.send(Mono.just(body));
        });
    }

    private Mono<EngineAnswer> post(
            HttpClient client,
            String path,
            Supplier<ForwardProgress.Answer> expecting,
            BiFunction<HttpClientRequest, NettyOutbound, Publisher<Void>> writer) {
        return Mono.defer(() -> {
            if (hungUp) {
                return Mono.error(shuttingDown(null));
            }
            ForwardProgress.Answer progress = expecting.get();
            Delivery delivery = new Delivery(progress);
            progress.awaitedBy(delivery::giveUp);
            HttpClient.ResponseReceiver<?> request = client.post()
                    .uri(path)
                    .send((out, outbound) ->
                            delivery.connected(outbound) ? writer.apply(out, outbound) : Mono.error(givenUp()));
            return Mono.<EngineAnswer>create(sink -> request.responseConnection(
                                    (head, connection) -> Mono.just(answer(head, connection, delivery)))
                            .single()
                            .doOnDiscard(EngineAnswer.class, EngineAnswer::abandon)
                            .subscribe(delivery.to(sink)))
                    .doOnCancel(delivery::abandon);
        });
    }

    private static FailureException givenUp() {
        return new FailureException(Failure.CLIENT_LEFT, "the request was given up before it was sent");
    }

    private static Publisher<Void> write(
            LegRequest request, @Nullable String authorization, HttpClientRequest out, NettyOutbound outbound) {
        HttpHeaders headers = head(out, request.body().contentType(), authorization);
        headers.add(request.headers());
        headers.set(Leg.REQUEST_ID, request.exchangeId());
        request.leg().headers().forEach(headers::set);
        int rank = request.leg().worker().rank();
        if (rank != Worker.ONLY) {
            headers.set(RANK, Integer.toString(rank));
        }
        return switch (request.body()) {
            case RequestBody.Json json -> {
                ByteBuf body = BodyEditor.apply(json, request.leg().body());
                headers.set(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(body.readableBytes()));
                yield outbound.send(Mono.just(body));
            }
            case RequestBody.Passthrough(String type, long length, Flux<ByteBuf> bytes) -> {
                if (length >= 0) {
                    headers.set(HttpHeaderNames.CONTENT_LENGTH, Long.toString(length));
                }
                yield outbound.send(bytes);
            }
        };
    }

    private EngineAnswer answer(HttpClientResponse head, Connection connection, Delivery delivery) {
        ForwardProgress.Answer progress = delivery.progress;
        progress.begun();
        Executor eventLoop = connection.channel().eventLoop();
        Flux<ByteBuf> body =
                new EngineBody(connection.inbound().receive(), eventLoop, progress).onErrorMap(delivery::translated);
        return new EngineAnswer(head.status().code(), head.responseHeaders(), body, () -> {
            progress.over();
            eventLoop.execute(() -> drop(connection));
        });
    }

    private FailureException translated(Throwable thrown) {
        return hungUp ? shuttingDown(thrown) : EngineFailures.translate(thrown);
    }

    private static FailureException shuttingDown(@Nullable Throwable cause) {
        return new FailureException(Failure.SHUTTING_DOWN, "the gateway is shutting down", cause);
    }

    /**
     * What has come and waits for a reader is released only by a reader, if it is one that leaves at once. Only the
     * event loop knows whether the connection already serves another request.
     */
    private static void drop(Connection connection) {
        connection.inbound().receive().subscribe(bytes -> {}, broken -> {}).dispose();
        connection.dispose();
    }

    private static HttpHeaders head(HttpClientRequest out, String contentType, @Nullable String authorization) {
        HttpHeaders headers = out.requestHeaders().set(HttpHeaderNames.CONTENT_TYPE, contentType);
        return authorization == null ? headers : headers.set(HttpHeaderNames.AUTHORIZATION, authorization);
    }

    private Clients clientsOf(Worker worker) {
        return clients.computeIfAbsent(worker, this::newClients);
    }

    private Clients newClients(Worker worker) {
        String key = keys.apply(worker);
        String baseUrl = worker.baseUrl().toString();
        HttpClient kept = streams.baseUrl(baseUrl);
        return new Clients(kept, kept.keepAlive(false), answers.baseUrl(baseUrl), key == null ? null : "Bearer " + key);
    }

    /** Ends all legs that run and lets no further one begin; they fail as {@link Failure#SHUTTING_DOWN}. */
    @SuppressWarnings("FutureReturnValueIgnored") // whoever waits for an answer learns of its end
    public void hangUp() {
        hungUp = true;
        open.close();
    }

    /** Closes all connections. */
    @Override
    public void close() {
        connections.dispose();
    }

    /**
     * An answer on its way from the HTTP client to whoever waits for it. Thread-safe.
     *
     * <p>The client is never cancelled: between its steps nobody would own the connection, and a request that had been
     * given up would still be sent, or hold its body for ever. Whoever stops waiting closes the connection instead, or
     * has it closed as soon as there is one; also when the answer has come and nobody has taken it yet.
     */
    private final class Delivery extends BaseSubscriber<EngineAnswer> {
        private final ForwardProgress.Answer progress;
        private volatile @Nullable Runnable close;
        private volatile @Nullable Runnable cut;
        private volatile boolean stalled;
        private volatile boolean abandoned;
        private @Nullable MonoSink<EngineAnswer> sink;

        private Delivery(ForwardProgress.Answer progress) {
            this.progress = progress;
        }

        private Delivery to(MonoSink<EngineAnswer> whoWaits) {
            sink = whoWaits;
            return this;
        }

        /** Returns whether somebody still waits. */
        private boolean connected(NettyOutbound outbound) {
            outbound.withConnection(connection -> {
                Executor eventLoop = connection.channel().eventLoop(); // a closed connection has none any more
                closeBy(() -> eventLoop.execute(connection::dispose));
                cut = () -> eventLoop.execute(() -> cut(connection));
            });
            if (!abandoned) {
                progress.sent();
            }
            return !abandoned;
        }

        /** Does nothing to an answer that is being read: its reader is cancelled, too. */
        private void abandon() {
            abandoned = true;
            progress.over();
            Runnable known = close;
            if (known != null) {
                known.run();
            }
        }

        /** The engine does nothing, and somebody still waits. */
        private void giveUp() {
            Runnable known = cut;
            if (known != null) {
                known.run();
            }
        }

        /** Only the event loop knows whether something has come just now. */
        @SuppressWarnings("FutureReturnValueIgnored") // whoever waits for the answer learns of its end
        private void cut(Connection connection) {
            if (progress.owed()) {
                stalled = true;
                connection.channel().close();
            }
        }

        private FailureException translated(Throwable thrown) {
            return stalled
                    ? new FailureException(Failure.ENGINE_STALLED, "the worker does nothing any more", thrown)
                    : EngineClient.this.translated(thrown);
        }

        private void closeBy(Runnable how) {
            close = how;
            if (abandoned) {
                how.run();
            }
        }

        @Override
        protected void hookOnNext(EngineAnswer answer) {
            closeBy(answer::abandon);
            Objects.requireNonNull(sink).success(answer);
        }

        @Override
        protected void hookOnError(Throwable thrown) {
            progress.over();
            if (!abandoned) {
                Objects.requireNonNull(sink).error(translated(thrown));
            }
        }
    }

    /** The clients of one worker: they differ in how long silence may last, and in what becomes of the connection. */
    private record Clients(
            HttpClient streams,
            HttpClient lastStreams,
            HttpClient answers,
            @Nullable String authorization) {
        private HttpClient of(LegRequest request) {
            if (!request.streaming()) {
                return answers;
            }
            return request.endsConnection() ? lastStreams : streams;
        }
    }
}
