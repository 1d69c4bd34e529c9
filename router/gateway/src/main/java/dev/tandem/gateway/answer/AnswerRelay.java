// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.request.ApiKind;
import dev.tandem.core.time.Ticker;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerResponse;

/**
 * Passes an answer on: the engine's own buffers, as they come, at the pace of the client. Thread-safe.
 *
 * <p>A stream that breaks off, or that ends without saying that it is complete, gets one error event behind its last
 * byte and no end marker, so that a client can tell it from a whole one.
 */
public final class AnswerRelay {
    private final Ticker ticker;
    private final Function<ApiKind, Function<FailureException, String>> errorEvents;

    /**
     * Makes a relay.
     *
     * @param errorEvents returns, for an API, the error event of a broken stream, its closing blank line included
     */
    public AnswerRelay(Ticker ticker, Function<ApiKind, Function<FailureException, String>> errorEvents) {
        this.ticker = ticker;
        this.errorEvents = errorEvents;
    }

    /**
     * Passes an answer on.
     *
     * @param api the API that was called
     * @param streaming whether the client asked for a stream
     * @param watcher is told what passes
     * @return completes when the last byte has been written or the client has left
     */
    public Mono<Void> relay(
            EngineAnswer answer, ApiKind api, boolean streaming, HttpServerResponse response, Watcher watcher) {
        response.status(answer.status());
        HopHeaders.toClient(answer.headers(), response.responseHeaders());
        boolean stream = streaming && answer.successful();
        Passage passage = new Passage(api, stream, watcher, answer);
        Flux<ByteBuf> body = answer.body().doOnNext(passage::piece);
        if (stream) {
            body = body.concatWith(Flux.defer(passage::requireComplete))
                    .onErrorResume(FailureException.class, passage::brokenOff);
        } else {
            body = body.doOnError(FailureException.class, passage::broke);
        }
        return response.send(passage.watched(body)).then();
    }

    /** Learns what passes. Called on an event loop. */
    public interface Watcher {
        /** The first byte of the body has come. */
        void onFirstByte();

        /** A further piece has come, that much after the one before. */
        void onGap(long gapNanos);

        /** What completes the answer has come and is about to be passed on: the engine has nothing more to do. */
        void onSaid();

        /** The body has ended; called once. */
        void onEnd(RelayEnd end);
    }

    /** One answer on its way. */
    private final class Passage {
        private final ApiKind api;
        private final boolean streaming;
        private final Watcher watcher;
        private final EngineAnswer answer;
        private final long length;
        private final AnswerTap tap = new AnswerTap();
        private final AtomicBoolean over = new AtomicBoolean();
        private long lastNanos;
        private @Nullable FailureException failure;

        private Passage(ApiKind api, boolean streaming, Watcher watcher, EngineAnswer answer) {
            this.api = api;
            this.streaming = streaming;
            this.watcher = watcher;
            this.answer = answer;
            this.length = answer.contentLength();
        }

        private void piece(ByteBuf piece) {
            long now = ticker.nanoTime();
            if (tap.bytes() == 0) {
                watcher.onFirstByte();
            } else {
                watcher.onGap(now - lastNanos);
            }
            lastNanos = now;
            tap.accept(piece);
            if (tap.endsWithDone() || tap.bytes() == length) {
                watcher.onSaid();
            }
        }

        private Flux<ByteBuf> requireComplete() {
            if (tap.complete(api)) {
                return Flux.empty();
            }
            if (tap.failedByEngine(api)) {
                broke(DeadEngine.judged(
                        new FailureException(Failure.STREAM_INTERRUPTED, "the worker reported an error in its stream"),
                        tap.tailText()));
                return Flux.empty();
            }
            return Flux.error(
                    new FailureException(Failure.STREAM_INTERRUPTED, "the worker ended its stream too early"));
        }

        /** What happens to the connection when all has been said is no matter of the client. */
        private Flux<ByteBuf> brokenOff(FailureException cause) {
            boolean said = !tap.insideEvent() && (tap.complete(api) || tap.failedByEngine(api));
            return said ? requireComplete() : errorEvent(cause);
        }

        private Flux<ByteBuf> errorEvent(FailureException cause) {
            FailureException interrupted = new FailureException(Failure.STREAM_INTERRUPTED, cause.detail(), cause);
            broke(interrupted);
            String event =
                    (tap.insideEvent() ? "\n\n" : "") + errorEvents.apply(api).apply(interrupted);
            return Flux.just(Unpooled.wrappedBuffer(event.getBytes(StandardCharsets.UTF_8)));
        }

        private void broke(FailureException cause) {
            failure = cause;
        }

        /** Tells the end before it is passed on: once it is, the response may be complete, and too late to ask why. */
        private Flux<ByteBuf> watched(Flux<ByteBuf> body) {
            return body.doOnComplete(() -> ended(false))
                    .doOnError(thrown -> ended(false))
                    .doOnCancel(() -> ended(true));
        }

        private void ended(boolean cancelled) {
            if (!over.compareAndSet(false, true)) {
                return;
            }
            UsageReport said = answer.usage();
            watcher.onEnd(new RelayEnd(
                    kind(cancelled), failure, tap.bytes(), said.equals(UsageReport.NONE) ? tap.usage() : said));
        }

        private RelayEnd.Kind kind(boolean cancelled) {
            // The server stops reading once it has the announced length, which is no sign of a client that left.
            if (cancelled && tap.bytes() != length) {
                return streaming && tap.complete(api) ? RelayEnd.Kind.TAKEN : RelayEnd.Kind.CANCELLED;
            }
            return failure == null ? RelayEnd.Kind.WHOLE : RelayEnd.Kind.BROKEN;
        }
    }
}
