// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import dev.tandem.core.disagg.Exchange.Sequential;
import dev.tandem.core.disagg.Exchange.Single;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.lifecycle.RequestListener.LegKind;
import dev.tandem.core.time.Ticker;
import dev.tandem.gateway.body.RequestBody;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.ReferenceCountUtil;
import reactor.core.publisher.Mono;

/**
 * Runs the legs of one attempt in their order; the only class that knows the orders. Thread-safe.
 *
 * <p>Cancelling the result cancels the leg that runs. An answer that is not a stream is read whole before it is handed
 * out, as long as it is small: half of one never reaches a client.
 */
public final class ExchangeRunner {
    private static final int WHOLE_ANSWER_BYTES = 1 << 20;

    private final EngineClient engines;
    private final RequestListener listener;
    private final Ticker ticker;

    /** Makes a runner. */
    public ExchangeRunner(EngineClient engines, RequestListener listener, Ticker ticker) {
        this.engines = engines;
        this.listener = listener;
        this.ticker = ticker;
    }

    /**
     * Runs an attempt.
     *
     * @return the answer for the client: successful, or the engine's rejection of the request; or a
     *     {@link FailureException}
     */
    public Mono<EngineAnswer> run(Attempt attempt, RequestBody body, HttpHeaders headers, boolean streaming) {
        Legs legs = new Legs(attempt, body, headers);
        return switch (attempt.exchange()) {
            case Single(Leg decode) -> decode(legs.request(decode, streaming));
            case Sequential(Leg prefill, Leg decode) ->
                prefill(attempt, legs.request(prefill, false))
                        .then(Mono.defer(() -> decode(legs.request(decode, streaming))));
        };
    }

    /** Completes when decode may start. */
    private Mono<Void> prefill(Attempt attempt, LegRequest request) {
        long start = ticker.nanoTime();
        return engines.send(request)
                .flatMap(ExchangeRunner::drain)
                .doOnSuccess(done -> {
                    long nanos = ticker.nanoTime() - start;
                    attempt.handedOver(nanos);
                    listener.onLegCompleted(LegKind.PREFILL, request.leg(), nanos);
                })
                .onErrorResume(FailureException.class, failure -> {
                    attempt.handedOver(ticker.nanoTime() - start);
                    listener.onLegFailed(LegKind.PREFILL, request.leg(), failure.failure());
                    return switch (attempt.afterPrefillFailure()) {
                        case DECODE_ALONE -> Mono.empty();
                        case FAIL ->
                            Mono.error(new FailureException(Failure.PREFILL_FAILED, failure.detail(), failure));
                    };
                });
    }

    private static Mono<Void> drain(EngineAnswer answer) {
        if (!answer.successful()) {
            return Mono.error(refusal(answer));
        }
        return answer.body().doOnNext(ReferenceCountUtil::release).then();
    }

    private Mono<EngineAnswer> decode(LegRequest request) {
        return engines.send(request)
                .flatMap(answer -> answer.successful() || answer.rejected()
                        ? request.streaming() ? Mono.just(answer) : whole(answer)
                        : Mono.error(refusal(answer)))
                .doOnError(
                        FailureException.class,
                        failure -> listener.onLegFailed(LegKind.DECODE, request.leg(), failure.failure()));
    }

    /** Reads a small answer to its end, so that a broken one can still be replaced. */
    private static Mono<EngineAnswer> whole(EngineAnswer answer) {
        long length = answer.contentLength();
        if (length < 0 || length > WHOLE_ANSWER_BYTES) {
            return Mono.just(answer);
        }
        return answer.body()
                .collect(Unpooled::compositeBuffer, (all, part) -> all.addComponent(true, part))
                .doOnDiscard(ByteBuf.class, ByteBuf::release)
                .map(answer::whole);
    }

    private static FailureException refusal(EngineAnswer answer) {
        answer.abandon();
        int status = answer.status();
        Failure failure = switch (status) {
            case 429, 503 -> Failure.ENGINE_BUSY;
            case 408 -> Failure.ENGINE_TIMEOUT;
            default -> answer.rejected() ? Failure.ENGINE_REJECTED : Failure.ENGINE_ERROR;
        };
        return new FailureException(failure, "the worker answered " + status);
    }

    /** What the legs of one attempt share. */
    private record Legs(Attempt attempt, RequestBody body, HttpHeaders headers) {
        private LegRequest request(Leg leg, boolean streaming) {
            return new LegRequest(leg, body, attempt.exchangeId(), headers, streaming);
        }
    }
}
