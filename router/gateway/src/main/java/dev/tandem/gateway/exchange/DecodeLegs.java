// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import dev.tandem.core.disagg.Exchange.Parallel;
import dev.tandem.core.disagg.Exchange.Sequential;
import dev.tandem.core.disagg.Handover.Carried;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.lifecycle.RequestListener.LegKind;
import dev.tandem.gateway.answer.DeadEngine;
import dev.tandem.gateway.answer.EngineAnswer;
import dev.tandem.gateway.answer.GivenUp;
import dev.tandem.gateway.answer.Peek;
import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.time.Duration;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import reactor.core.publisher.Mono;

/**
 * Runs the legs whose answers go to clients. Thread-safe.
 *
 * <p>An answer that is not a stream is read whole before it is handed out, as long as it is small, and a stream is
 * handed out once its first frame has come: until then another worker can still make good what has failed.
 */
final class DecodeLegs {
    private static final int WHOLE_ANSWER_BYTES = 1 << 20;
    private static final Pattern SECONDS = Pattern.compile("[0-9]{1,6}");

    private final EngineClient engines;
    private final RequestListener listener;

    DecodeLegs(EngineClient engines, RequestListener listener) {
        this.engines = engines;
        this.listener = listener;
    }

    /**
     * Returns the answer for the client: successful, or the engine's rejection of the request; or a failure.
     *
     * @param read takes a successful answer over that is read whole, and returns what is to be shown of it
     */
    Mono<EngineAnswer> run(Attempt attempt, LegRequest request, UnaryOperator<ByteBuf> read) {
        return engines.send(request, attempt::claimed)
                .flatMap(answer -> {
                    if (answer.successful() && request.streaming()) {
                        return Peek.at(answer);
                    }
                    if (answer.successful()) {
                        return whole(answer, read);
                    }
                    return answer.rejected() ? whole(answer) : refusal(answer);
                })
                .flatMap(answer ->
                        attempt.connector().mayGiveUp() ? kept(answer, request.streaming()) : Mono.just(answer))
                .doOnNext(answer -> answered(attempt, request.leg(), answer))
                .onErrorMap(FailureException.class, failure -> failed(attempt, request.leg(), failure));
    }

    private static Mono<EngineAnswer> kept(EngineAnswer answer, boolean streaming) {
        if (answer.givenUp()) {
            answer.abandon();
            return Mono.error(new FailureException(Failure.ENGINE_ERROR, "the worker gave the request up"));
        }
        return Mono.just(streaming ? GivenUp.failing(answer) : answer);
    }

    /** An engine that rejects a leg has not looked for what was handed over. */
    private void answered(Attempt attempt, Leg leg, EngineAnswer answer) {
        if (answer.successful()) {
            listener.onLegAnswered(leg);
            attempt.answered(answer);
        } else {
            attempt.unclaimed();
            attempt.holds(answer);
        }
    }

    /**
     * An engine that fails a leg with a hand-over may be well, and unable to get what was to be handed over: the
     * prefill worker may be gone, or itself be ill.
     */
    private FailureException failed(Attempt attempt, Leg leg, FailureException failure) {
        refused(listener, leg, failure);
        attempt.culprits().note(leg.worker(), failure);
        FailureException known = failure;
        boolean fails = failure.failure() == Failure.ENGINE_ERROR;
        if (fails
                && attempt.dependsOnOffer()
                && attempt.exchange() instanceof Sequential(Leg prefill, Carried carried, var decode)) {
            attempt.offerNotRead();
            attempt.culprits().blame(prefill.worker());
            attempt.culprits().doubt(leg.worker());
            known = new FailureException(Failure.KV_TRANSFER_FAILED, failure.detail(), failure);
        } else {
            if (fails && attempt.exchange() instanceof Parallel(Leg prefill, var decode)) {
                attempt.culprits().doubt(prefill.worker());
            }
            attempt.unclaimed();
            attempt.culprits().blame(leg.worker());
        }
        listener.onLegFailed(LegKind.DECODE, leg, known.failure());
        return known;
    }

    /** Reads a small answer to its end, so that a broken one can still be replaced. */
    static Mono<EngineAnswer> whole(EngineAnswer answer) {
        return whole(answer, UnaryOperator.identity());
    }

    private static Mono<EngineAnswer> whole(EngineAnswer answer, UnaryOperator<ByteBuf> read) {
        long length = answer.contentLength();
        return length < 0 || length > WHOLE_ANSWER_BYTES
                ? Mono.just(answer)
                : answer.all(WHOLE_ANSWER_BYTES).map(read).map(answer::whole);
    }

    /** Gives an answer up that is neither a success nor a rejection of the request, and fails with what it was. */
    static Mono<EngineAnswer> refusal(EngineAnswer answer) {
        int status = answer.status();
        Failure failure = switch (status) {
            case 429, 503 -> Failure.ENGINE_BUSY;
            default -> answer.rejected() ? Failure.ENGINE_REJECTED : Failure.ENGINE_ERROR;
        };
        FailureException refused = new FailureException(failure, "the worker answered " + status);
        if (failure == Failure.ENGINE_ERROR) {
            return DeadEngine.heard(answer, refused).flatMap(Mono::error);
        }
        answer.abandon();
        return Mono.error(failure == Failure.ENGINE_BUSY ? refused.retryingAfter(retryAfter(answer)) : refused);
    }

    /** Engines that say a date, as they may, say nothing. */
    private static Duration retryAfter(EngineAnswer answer) {
        String seconds = answer.headers().get(HttpHeaderNames.RETRY_AFTER, "");
        return SECONDS.matcher(seconds).matches() ? Duration.ofSeconds(Long.parseLong(seconds)) : Duration.ZERO;
    }

    /** Tells of a worker that is full. */
    static void refused(RequestListener listener, Leg leg, FailureException failure) {
        if (failure.failure() == Failure.ENGINE_BUSY) {
            listener.onLegRefused(leg, failure.retryAfter());
        }
    }
}
