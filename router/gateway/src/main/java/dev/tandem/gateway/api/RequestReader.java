// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.api;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.prefix.Fingerprint;
import dev.tandem.core.request.ApiKind;
import dev.tandem.core.routing.RoutingRequest;
import dev.tandem.core.time.Ticker;
import dev.tandem.gateway.answer.HopHeaders;
import dev.tandem.gateway.body.BodyCollector;
import dev.tandem.gateway.body.BodyScanner;
import dev.tandem.gateway.body.RequestBody;
import dev.tandem.gateway.body.ScannedBody;
import dev.tandem.gateway.pipeline.ClientRequest;
import dev.tandem.gateway.turn.Conversations;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelException;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.netty.ByteBufFlux;
import reactor.netty.channel.AbortedException;
import reactor.netty.http.server.HttpServerRequest;

/** Makes requests of HTTP: reads a body once, within its limits, and scans it once. Thread-safe. */
public final class RequestReader {
    private final BodyCollector collector;
    private final BodyScanner scanner;
    private final List<String> sessionHeaders;
    private final Conversations conversations;
    private final Callers callers;
    private final Ticker ticker;

    /**
     * Makes a reader.
     *
     * @param sessionHeaders headers that may hold a session key, the first one present counts
     * @param conversations tells conversations apart
     * @param callers tells who asks
     */
    public RequestReader(
            BodyCollector collector,
            BodyScanner scanner,
            List<String> sessionHeaders,
            Conversations conversations,
            Callers callers,
            Ticker ticker) {
        this.collector = collector;
        this.scanner = scanner;
        this.sessionHeaders = List.copyOf(sessionHeaders);
        this.conversations = conversations;
        this.callers = callers;
        this.ticker = ticker;
    }

    /** Reads a request; or fails with a {@link FailureException} that says what is wrong with it. */
    Mono<ClientRequest> read(Head head, HttpServerRequest http) {
        return head.api() == ApiKind.TRANSCRIPTIONS
                ? Mono.fromCallable(() -> unread(head, http))
                : readJson(head, http);
    }

    /** Notes the head of a request. */
    Head head(HttpServerRequest http, ApiKind api, String id) {
        return new Head(id, api, http.requestHeaders(), ticker.nanoTime());
    }

    /** Returns the time since the head arrived. */
    long elapsedNanos(Head head) {
        return ticker.nanoTime() - head.arrivedNanos();
    }

    private Mono<ClientRequest> readJson(Head head, HttpServerRequest http) {
        return body(http).map(bytes -> scan(head, bytes));
    }

    /** Reads a JSON body to its end; goes on where scanning it holds nobody up. */
    Mono<ByteBuf> body(HttpServerRequest http) {
        if (!isJson(http.requestHeaders().get(HttpHeaderNames.CONTENT_TYPE))) {
            return Mono.error(
                    new FailureException(Failure.UNSUPPORTED_MEDIA_TYPE, "content-type: expected application/json"));
        }
        long announced = contentLength(http.requestHeaders());
        return collector.collect(announced, received(http)).onErrorMap(RequestReader::translate);
    }

    /** Makes a request of a body and takes the body over, also when this throws. */
    ClientRequest scan(Head head, ByteBuf bytes) {
        try {
            ScannedBody scanned = scanner.scan(bytes);
            String session = session(head.headers());
            return new ClientRequest(
                    head.id(),
                    head.api(),
                    scanned.streaming(),
                    scanned.body(),
                    scanned.body().size(),
                    HopHeaders.toEngine(head.headers()),
                    callers.of(head.headers()),
                    new RoutingRequest(
                            head.api(),
                            scanned.model(),
                            scanned.fingerprint(),
                            scanned.promptTokens(),
                            session,
                            scanned.splittable(head.api())),
                    conversations.of(head.api(), head.headers(), session, scanned),
                    head.arrivedNanos());
        } catch (FailureException e) {
            bytes.release();
            throw e;
        }
    }

    /** A multipart body is not looked into: it streams through to one worker. */
    private ClientRequest unread(Head head, HttpServerRequest http) {
        String type = head.headers().get(HttpHeaderNames.CONTENT_TYPE);
        if (type == null || !type.toLowerCase(Locale.ROOT).startsWith("multipart/form-data")) {
            throw new FailureException(Failure.UNSUPPORTED_MEDIA_TYPE, "content-type: expected multipart/form-data");
        }
        RequestBody body = new RequestBody.Passthrough(
                type, contentLength(head.headers()), received(http).retain().onErrorMap(RequestReader::translate));
        RoutingRequest routing =
                new RoutingRequest(head.api(), null, Fingerprint.NONE, 0, session(head.headers()), false);
        return new ClientRequest(
                head.id(),
                head.api(),
                false,
                body,
                0,
                HopHeaders.toEngine(head.headers()),
                callers.of(head.headers()),
                routing,
                null,
                head.arrivedNanos());
    }

    private static ByteBufFlux received(HttpServerRequest http) {
        return ByteBufFlux.fromInbound(FirstEnd.of(http.receiveObject()));
    }

    private @Nullable String session(HttpHeaders headers) {
        for (String name : sessionHeaders) {
            String value = headers.get(name);
            if (value != null && !value.isEmpty()) {
                return value;
            }
        }
        return null;
    }

    private static boolean isJson(@Nullable String contentType) {
        if (contentType == null) {
            return false;
        }
        int end = contentType.indexOf(';');
        String type = (end < 0 ? contentType : contentType.substring(0, end)).trim();
        return type.equalsIgnoreCase("application/json")
                || type.toLowerCase(Locale.ROOT).endsWith("+json");
    }

    private static long contentLength(HttpHeaders headers) {
        String value = headers.get(HttpHeaderNames.CONTENT_LENGTH);
        try {
            return value == null ? -1 : Long.parseLong(value);
        } catch (NumberFormatException e) {
            throw new FailureException(Failure.INVALID_REQUEST, "content-length: not a number", e);
        }
    }

    private static Throwable translate(Throwable thrown) {
        return switch (thrown) {
            // silence, and more time than a body may take: the type of that is Reactor Netty's own (1.3)
            case ChannelException slow ->
                new FailureException(Failure.REQUEST_TIMEOUT, "the body did not arrive in time", slow);
            case IOException left -> clientLeft(left);
            case AbortedException left -> clientLeft(left);
            default -> thrown;
        };
    }

    private static FailureException clientLeft(Exception cause) {
        return new FailureException(Failure.CLIENT_LEFT, "the client closed its connection", cause);
    }

    /**
     * What is known before the body.
     *
     * @param id the request's id
     * @param api the API that was called
     * @param headers all headers of the client
     * @param arrivedNanos when it arrived
     */
    record Head(String id, ApiKind api, HttpHeaders headers, long arrivedNanos) {}
}
