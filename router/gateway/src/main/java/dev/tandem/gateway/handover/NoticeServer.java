// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.lifecycle.EngineMessageListener;
import dev.tandem.core.lifecycle.EngineMessageListener.Message;
import dev.tandem.core.lifecycle.EngineMessageListener.Verdict;
import dev.tandem.core.time.Ticker;
import dev.tandem.gateway.handover.Notices.Rank;
import io.netty.handler.codec.http.HttpMethod;
import java.io.ByteArrayOutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.netty.ChannelBindException;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import reactor.netty.resources.LoopResources;

/**
 * Listens to engines that tell over HTTP: LMCache's telemetry, and decode workers that ask for a KV cache. Its own port
 * and thread, never the clients'. Thread-safe.
 *
 * <p>Sources: LMCache {@code examples/disagg_prefill_mp}, 2026-06 to 08; vllm-ascend
 * {@code load_balance_proxy_layerwise_server_example.py}, 2026-08-22.
 */
public final class NoticeServer implements AutoCloseable {
    /** Largest body. */
    static final int MOST_BYTES = 1 << 20;

    private static final int MOST_CONNECTIONS = 512;
    /** From one address. */
    static final int REQUESTS_PER_SECOND = 1_000;

    private static final Duration READING = Duration.ofSeconds(10);
    private static final Duration IDLE = Duration.ofSeconds(75);

    private final byte @Nullable [] credentials;
    private final Notices notices;
    private final RateLimit rates;
    private final EngineMessageListener listener;
    private final LoopResources thread = LoopResources.create("tandem-notices", 1, true);
    private final DisposableServer server;

    private NoticeServer(
            ListenerSettings settings,
            @Nullable String token,
            Notices notices,
            Ticker ticker,
            EngineMessageListener listener) {
        this.credentials = token == null ? null : ("Bearer " + token).getBytes(StandardCharsets.UTF_8);
        this.notices = notices;
        this.rates = new RateLimit(REQUESTS_PER_SECOND, ticker);
        this.listener = listener;
        Doorkeeper doorkeeper = new Doorkeeper(
                settings.allowed(), MOST_CONNECTIONS, verdict -> listener.onMessage(Message.NOTICE, verdict));
        HttpServer listening = HttpServer.create()
                .host(settings.address())
                .port(settings.port())
                .runOn(thread)
                .doOnChannelInit(
                        (observer, channel, address) -> channel.pipeline().addFirst(doorkeeper))
                .readTimeout(READING)
                .requestTimeout(READING)
                .idleTimeout(IDLE)
                .handle(this::serve);
        try {
            this.server = listening.bindNow();
        } catch (ChannelBindException e) {
            thread.dispose();
            throw e;
        }
    }

    /**
     * Starts listening.
     *
     * @param settings where, and to whom
     * @param token secret that engines must send as bearer token, or null for none
     * @param notices takes notices and callbacks
     * @param ticker time for limits
     * @param listener learns what became of messages that are neither
     * @throws ChannelBindException if it cannot
     */
    public static NoticeServer open(
            ListenerSettings settings,
            @Nullable String token,
            Notices notices,
            Ticker ticker,
            EngineMessageListener listener) {
        return new NoticeServer(settings, token, notices, ticker, listener);
    }

    /** Returns the port. */
    public int port() {
        return server.port();
    }

    @Override
    public void close() {
        server.disposeNow();
        thread.dispose();
    }

    private Mono<Void> serve(HttpServerRequest request, HttpServerResponse response) {
        return reply(request)
                .onErrorResume(FailureException.class, failure -> Mono.just(Reply.failed(failure)))
                .flatMap(reply -> reply.send(response));
    }

    private Mono<Reply> reply(HttpServerRequest request) {
        Path path = Path.of(request);
        if (path == null) {
            return Mono.error(new FailureException(Failure.UNKNOWN_PATH, "there is no such path"));
        }
        if (!authorized(request)) {
            listener.onMessage(path.message, Verdict.REFUSED);
            return Mono.just(Reply.UNAUTHORIZED);
        }
        InetSocketAddress from = Objects.requireNonNull(request.remoteAddress());
        if (!rates.admits(from.getAddress())) {
            listener.onMessage(path.message, Verdict.LIMITED);
            return Mono.just(Reply.TOO_MANY);
        }
        return body(request, path).flatMap(body -> read(path, body));
    }

    private boolean authorized(HttpServerRequest request) {
        String sent = Objects.requireNonNullElse(request.requestHeaders().get("authorization"), "");
        return credentials == null || MessageDigest.isEqual(credentials, sent.getBytes(StandardCharsets.UTF_8));
    }

    private Mono<byte[]> body(HttpServerRequest request, Path path) {
        return request.receive()
                .asByteArray()
                .collect(ByteArrayOutputStream::new, (all, piece) -> {
                    if (all.size() + piece.length > MOST_BYTES) {
                        listener.onMessage(path.message, Verdict.LIMITED);
                        throw new FailureException(Failure.REQUEST_TOO_LARGE, "the body is too large");
                    }
                    all.writeBytes(piece);
                })
                .map(ByteArrayOutputStream::toByteArray);
    }

    private Mono<Reply> read(Path path, byte[] body) {
        try {
            EngineJson message = EngineJson.read(body);
            return switch (path) {
                case TELEMETRY -> Mono.just(telemetry(message));
                case METASERVER -> metaserver(message);
            };
        } catch (MalformedMessageException e) {
            listener.onMessage(path.message, Verdict.MALFORMED);
            return Mono.error(new FailureException(
                    Failure.INVALID_JSON, Objects.requireNonNullElse(e.getMessage(), "malformed"), e));
        }
    }

    /** Other events are none of ours; engines that send them shall not try again. */
    private Reply telemetry(EngineJson event) throws MalformedMessageException {
        if (!"request_store_finished".equals(event.text("event"))) {
            listener.onMessage(Message.NOTICE, Verdict.UNKNOWN);
            return Reply.notified(0, 0);
        }
        List<String> ids = event.texts("request_ids_set");
        Rank rank = event.rank();
        int notified =
                (int) ids.stream().filter(id -> notices.onStored(id, rank)).count();
        return Reply.notified(notified, ids.size());
    }

    private Mono<Reply> metaserver(EngineJson call) throws MalformedMessageException {
        return notices.onCallback(call.text("request_id"), call.text())
                .map(well -> well
                        ? Reply.OK
                        : Reply.failed(new FailureException(Failure.PREFILL_FAILED, "the prefill leg has failed")))
                .switchIfEmpty(Mono.error(
                        new FailureException(Failure.UNKNOWN_PATH, "no request waits for a call with this id")));
    }

    private enum Path {
        TELEMETRY("/api/v1/telemetry", Message.NOTICE),
        METASERVER("/v1/metaserver", Message.CALLBACK);

        private final String path;
        private final Message message;

        Path(String path, Message message) {
            this.path = path;
            this.message = message;
        }

        private static @Nullable Path of(HttpServerRequest request) {
            for (Path known : values()) {
                if (request.method().equals(HttpMethod.POST) && request.uri().equals(known.path)) {
                    return known;
                }
            }
            return null;
        }
    }
}
