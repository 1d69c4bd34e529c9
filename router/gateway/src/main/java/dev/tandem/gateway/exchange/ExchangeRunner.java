// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import dev.tandem.core.disagg.Exchange.Sequential;
import dev.tandem.core.disagg.Exchange.Single;
import dev.tandem.core.disagg.Handover.ByContent;
import dev.tandem.core.disagg.Handover.Calls;
import dev.tandem.core.disagg.Handover.Carried;
import dev.tandem.core.disagg.KvConnector.AfterPrefillFailure;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.lifecycle.RequestListener.LegKind;
import dev.tandem.core.time.Ticker;
import dev.tandem.gateway.body.RequestBody;
import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.ReferenceCountUtil;
import reactor.core.publisher.Mono;

/**
 * Runs the legs of one attempt in their order; the only class that knows the orders. Thread-safe.
 *
 * <p>Cancelling the result cancels the leg that runs. An answer that is not a stream is read whole before it is handed
 * out, as long as it is small, and a stream is handed out once its first frame has come: until then another worker can
 * still make good what has failed.
 */
public final class ExchangeRunner {
    private static final int WHOLE_ANSWER_BYTES = 1 << 20;
    private static final int PREFILL_ANSWER_BYTES = 32 << 20;

    private final EngineClient engines;
    private final ControlCalls calls;
    private final RequestListener listener;
    private final Ticker ticker;

    /** Makes a runner. */
    public ExchangeRunner(EngineClient engines, RequestListener listener, Ticker ticker) {
        this.engines = engines;
        this.calls = new ControlCalls(engines);
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
            case Single(Leg decode) -> decode(attempt, legs.request(decode, streaming));
            case Sequential exchange ->
                prefill(attempt, legs.request(exchange.prefill(), false), exchange)
                        .flatMap(next -> switch (next) {
                            case Next.Decode(Leg leg) -> decode(attempt, legs.request(leg, streaming));
                            case Next.Rejected(EngineAnswer answer) -> whole(answer);
                        });
        };
    }

    private Mono<Next> prefill(Attempt attempt, LegRequest request, Sequential exchange) {
        long start = ticker.nanoTime();
        return engines.send(request)
                .flatMap(answer -> answer.successful()
                        ? prefilled(attempt, request, answer, exchange, start)
                        : refused(attempt, answer))
                .onErrorResume(FailureException.class, failure -> {
                    attempt.prefilled(ticker.nanoTime() - start);
                    return prefillFailed(attempt, request, failure, exchange.decode());
                });
    }

    /** Reads the prefill answer to its end and hands over. */
    private Mono<Next> prefilled(
            Attempt attempt, LegRequest request, EngineAnswer answer, Sequential exchange, long start) {
        Mono<ByteBuf> body = answer.all(PREFILL_ANSWER_BYTES).doOnNext(all -> {
            long nanos = ticker.nanoTime() - start;
            attempt.prefilled(nanos);
            listener.onLegCompleted(LegKind.PREFILL, request.leg(), nanos);
        });
        Leg decode = exchange.decode();
        return switch (exchange.handover()) {
            case ByContent nothing ->
                body.map(all -> {
                    ReferenceCountUtil.release(all);
                    return new Next.Decode(decode);
                });
            case Carried wanted -> body.map(all -> carry(attempt, all, wanted, decode));
            case Calls due ->
                body.doOnNext(ReferenceCountUtil::release)
                        .then(call(attempt, due).thenReturn(new Next.Decode(decode)));
        };
    }

    /** Takes the body over. An answer that names no KV cache leaves the prompt to the decode worker. */
    private static Next carry(Attempt attempt, ByteBuf body, Carried wanted, Leg decode) {
        try {
            return PrefillAnswer.carried(body, wanted)
                    .map(field -> {
                        attempt.offered();
                        return new Next.Decode(decode.with(field));
                    })
                    .orElseGet(() -> {
                        attempt.notOffered();
                        return new Next.Decode(decode);
                    });
        } finally {
            body.release();
        }
    }

    /** Completes when decode may start, well or not. */
    private Mono<Void> call(Attempt attempt, Calls due) {
        return calls.run(due)
                .doOnSuccess(done -> attempt.handedOver())
                .onErrorResume(FailureException.class, failure -> {
                    attempt.handoverFailed();
                    return Mono.empty();
                });
    }

    private static Mono<Next> refused(Attempt attempt, EngineAnswer answer) {
        return answer.rejected() && attempt.connector().afterPrefillFailure() == AfterPrefillFailure.ROUTE_AGAIN
                ? Mono.just(new Next.Rejected(answer))
                : Mono.error(refusal(answer));
    }

    private Mono<Next> prefillFailed(Attempt attempt, LegRequest request, FailureException failure, Leg decode) {
        attempt.prefillFailed();
        listener.onLegFailed(LegKind.PREFILL, request.leg(), failure.failure());
        return switch (attempt.connector().afterPrefillFailure()) {
            case DECODE_ALONE -> Mono.just(new Next.Decode(decode));
            case ROUTE_AGAIN -> {
                attempt.blame(request.leg().worker());
                yield Mono.error(
                        failure.failure() == Failure.CONNECT_FAILED
                                ? failure
                                : new FailureException(Failure.PREFILL_FAILED, failure.detail(), failure));
            }
        };
    }

    private Mono<EngineAnswer> decode(Attempt attempt, LegRequest request) {
        return engines.send(request)
                .flatMap(answer -> {
                    if (answer.successful() && request.streaming()) {
                        return Peek.at(answer);
                    }
                    return answer.successful() || answer.rejected() ? whole(answer) : Mono.error(refusal(answer));
                })
                .doOnNext(answer -> attempt.answered())
                .onErrorMap(FailureException.class, failure -> decodeFailed(attempt, request.leg(), failure));
    }

    /** An engine that fails a leg with a hand-over may be well, and unable to read what it was to read. */
    private FailureException decodeFailed(Attempt attempt, Leg leg, FailureException failure) {
        FailureException known = failure;
        if (failure.failure() == Failure.ENGINE_ERROR
                && attempt.dependsOnOffer()
                && attempt.exchange() instanceof Sequential exchange) {
            attempt.offerNotRead(exchange.prefill().worker(), leg.worker());
            known = new FailureException(Failure.KV_TRANSFER_FAILED, failure.detail(), failure);
        } else {
            attempt.blame(leg.worker());
        }
        listener.onLegFailed(LegKind.DECODE, leg, known.failure());
        return known;
    }

    /** Reads a small answer to its end, so that a broken one can still be replaced. */
    private static Mono<EngineAnswer> whole(EngineAnswer answer) {
        long length = answer.contentLength();
        return length < 0 || length > WHOLE_ANSWER_BYTES
                ? Mono.just(answer)
                : answer.all(WHOLE_ANSWER_BYTES).map(answer::whole);
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

    /** What follows a prefill leg. */
    private sealed interface Next {
        /** The decode leg, with what prefill has handed over. */
        record Decode(Leg leg) implements Next {}

        /** The client gets the prefill worker's rejection. */
        record Rejected(EngineAnswer answer) implements Next {}
    }

    /** What the legs of one attempt share. */
    private record Legs(Attempt attempt, RequestBody body, HttpHeaders headers) {
        private LegRequest request(Leg leg, boolean streaming) {
            return new LegRequest(leg, body, attempt.exchangeId(), headers, streaming);
        }
    }
}
