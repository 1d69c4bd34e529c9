// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.Exchange.Sequential;
import dev.tandem.core.disagg.Handover.Pushed;
import dev.tandem.core.disagg.KvConnector.AfterPrefillFailure;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.lifecycle.RequestListener.LegKind;
import dev.tandem.core.time.Ticker;
import dev.tandem.gateway.answer.AnswerTap;
import dev.tandem.gateway.answer.CachedTokens;
import dev.tandem.gateway.answer.EngineAnswer;
import dev.tandem.gateway.answer.PromptLogprobs;
import dev.tandem.gateway.handover.Awaited;
import dev.tandem.gateway.handover.Notices;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.util.ReferenceCountUtil;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** Runs the legs that compute KV caches. Thread-safe. */
final class PrefillLegs {
    private static final int ANSWER_BYTES = 32 << 20;

    /** After these nobody knows how far the engine has come. */
    private static final Set<Failure> SILENT =
            EnumSet.of(Failure.ENGINE_DROPPED, Failure.ENGINE_TIMEOUT, Failure.ENGINE_STALLED);

    private final EngineClient engines;
    private final Notices notices;
    private final RequestListener listener;
    private final Ticker ticker;

    PrefillLegs(EngineClient engines, Notices notices, RequestListener listener, Ticker ticker) {
        this.engines = engines;
        this.notices = notices;
        this.listener = listener;
        this.ticker = ticker;
    }

    /**
     * Runs a leg on whose answer the decode leg waits.
     *
     * @return the whole successful answer, which belongs to the subscriber; or the engine's rejection of the request,
     *     when the protocol wants it to go to the client; or a failure, which has been counted
     */
    Mono<Prefilled> run(Attempt attempt, LegRequest request) {
        long start = ticker.nanoTime();
        return engines.send(request, attempt::prefilling)
                .flatMap(answer -> answer.successful()
                        ? all(answer, request)
                                .doOnNext(all -> {
                                    attempt.ofPrefill().found(CachedTokens.found(all));
                                    ofPrompt(attempt, request, all);
                                    completed(attempt, request.leg(), start);
                                })
                                .<Prefilled>map(Prefilled.Answer::new)
                        : refused(attempt, answer).doOnNext(attempt::holds).map(Prefilled.Rejection::new))
                .onErrorMap(FailureException.class, failure -> failed(attempt, request.leg(), failure, start));
    }

    /**
     * Runs a leg beside the decode leg.
     *
     * @return empty when it has ended well; else the engine's rejection, which needs no release, or a failure
     */
    Mono<EngineAnswer> beside(Attempt attempt, LegRequest request) {
        long start = ticker.nanoTime();
        return engines.send(request)
                .flatMap(answer -> answer.successful()
                        ? finished(attempt, request, answer)
                                .doOnSuccess(ended -> completed(attempt, request.leg(), start))
                                .then(Mono.<EngineAnswer>empty())
                        : refused(attempt, answer).flatMap(rejection -> rejection.unpooled(ANSWER_BYTES)))
                .onErrorMap(FailureException.class, failure -> failed(attempt, request.leg(), failure, start));
    }

    /**
     * Runs a leg when the decode worker calls, and answers the call with how it ended.
     *
     * @return as {@link #beside}
     */
    Mono<EngineAnswer> called(Attempt attempt, Exchange.Callback callback, LegRequest request) {
        Awaited awaited = notices.expect(callback.key());
        return awaited.callback()
                .timeout(callback.within())
                .onErrorMap(TimeoutException.class, late -> notCalled(attempt, request.leg(), late))
                .flatMap(params -> beside(attempt, request.with(new Put(callback.field(), params)))
                        .doOnSuccess(rejection -> awaited.prefillEnded(rejection == null)))
                .doFinally(signal -> awaited.close());
    }

    /** Reads an answer of which little or nothing is wanted. */
    private static Mono<Void> finished(Attempt attempt, LegRequest request, EngineAnswer answer) {
        if (request.asksForPromptLogprobs()) {
            return all(answer, request)
                    .doOnNext(all -> {
                        attempt.ofPrefill().found(CachedTokens.used(all));
                        ofPrompt(attempt, request, all);
                    })
                    .doOnNext(ReferenceCountUtil::release)
                    .then();
        }
        AnswerTap tap = new AnswerTap();
        return answer.body()
                .doOnNext(tap::accept)
                .doOnNext(ReferenceCountUtil::release)
                .then()
                .doOnSuccess(ended -> attempt.ofPrefill().found(CachedTokens.of(tap.usage())));
    }

    /**
     * Reads an answer to its end. Log-probabilities of a prompt are megabytes, which are looked through where that
     * holds no event loop up; until then they belong to nobody who could forget them.
     */
    private static Mono<ByteBuf> all(EngineAnswer answer, LegRequest request) {
        Mono<ByteBuf> all = answer.all(ANSWER_BYTES);
        return request.asksForPromptLogprobs() ? all.map(PrefillLegs::onHeap).publishOn(Schedulers.parallel()) : all;
    }

    /** Returns a copy that nobody has to release. */
    private static ByteBuf onHeap(ByteBuf all) {
        try {
            return Unpooled.copiedBuffer(all);
        } finally {
            all.release();
        }
    }

    private static void ofPrompt(Attempt attempt, LegRequest request, ByteBuf answer) {
        if (request.asksForPromptLogprobs()) {
            PromptLogprobs.in(answer).ifPresent(attempt.ofPrefill()::told);
        }
    }

    private void completed(Attempt attempt, Leg leg, long start) {
        long nanos = ticker.nanoTime() - start;
        listener.onLegCompleted(LegKind.PREFILL, leg, nanos);
        attempt.prefilled(nanos);
    }

    private static Mono<EngineAnswer> refused(Attempt attempt, EngineAnswer answer) {
        return answer.rejected() && attempt.connector().afterPrefillFailure() == AfterPrefillFailure.ROUTE_AGAIN
                ? DecodeLegs.whole(answer).doOnNext(rejection -> attempt.prefillRejected())
                : DecodeLegs.refusal(answer);
    }

    private FailureException failed(Attempt attempt, Leg leg, FailureException failure, long start) {
        attempt.prefilled(ticker.nanoTime() - start);
        attempt.prefillFailed(SILENT.contains(failure.failure()));
        attempt.culprits().note(leg.worker(), failure);
        DecodeLegs.refused(listener, leg, failure);
        listener.onLegFailed(LegKind.PREFILL, leg, failure.failure());
        return switch (attempt.connector().afterPrefillFailure()) {
            case DECODE_ALONE -> failure;
            case ROUTE_AGAIN -> {
                attempt.culprits().blame(leg.worker());
                if (waitedFor(failure) && pushes(attempt.exchange())) {
                    attempt.culprits().doubt(attempt.exchange().decode().worker());
                }
                yield computesNothing(failure)
                        ? failure
                        : new FailureException(Failure.PREFILL_FAILED, failure.detail(), failure);
            }
        };
    }

    /** Whether the failure says all there is to say: nobody is there, or who is there is full. */
    private static boolean computesNothing(FailureException failure) {
        return failure.failure() == Failure.CONNECT_FAILED || failure.failure() == Failure.ENGINE_BUSY;
    }

    private static boolean waitedFor(FailureException failure) {
        return failure.failure() == Failure.ENGINE_TIMEOUT || failure.failure() == Failure.ENGINE_STALLED;
    }

    /** Whether an engine may be silent because the other one does not take what it sends. */
    private static boolean pushes(Exchange exchange) {
        return exchange instanceof Sequential(Leg prefill, Pushed handover, Leg decode);
    }

    /** The decode worker is to blame, who did not call. */
    private FailureException notCalled(Attempt attempt, Leg leg, TimeoutException late) {
        listener.onLegFailed(LegKind.PREFILL, leg, Failure.KV_TRANSFER_FAILED);
        attempt.culprits().blame(attempt.exchange().decode().worker());
        return new FailureException(Failure.KV_TRANSFER_FAILED, "the decode worker did not call back in time", late);
    }

    /** What a prefill leg came to. */
    sealed interface Prefilled {
        /** The answer, whole; whoever has it releases it. */
        record Answer(ByteBuf body) implements Prefilled {}

        /** The engine finds fault with the request. */
        record Rejection(EngineAnswer answer) implements Prefilled {}
    }
}
