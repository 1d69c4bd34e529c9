// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.disagg.Exchange.CalledBack;
import dev.tandem.core.disagg.Exchange.Continued;
import dev.tandem.core.disagg.Exchange.Parallel;
import dev.tandem.core.disagg.Exchange.Sequential;
import dev.tandem.core.disagg.Exchange.Single;
import dev.tandem.core.disagg.Handover;
import dev.tandem.core.disagg.Handover.ByContent;
import dev.tandem.core.disagg.Handover.Calls;
import dev.tandem.core.disagg.Handover.Carried;
import dev.tandem.core.disagg.Handover.Notified;
import dev.tandem.core.disagg.Handover.Pushed;
import dev.tandem.core.disagg.KvConnector.WhenAbandoned;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.disagg.connector.ComputeOnly;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.time.Ticker;
import dev.tandem.gateway.answer.EngineAnswer;
import dev.tandem.gateway.answer.FirstToken;
import dev.tandem.gateway.answer.PrefillAnswer;
import dev.tandem.gateway.body.Continuable;
import dev.tandem.gateway.body.RequestBody;
import dev.tandem.gateway.exchange.PrefillLegs.Prefilled;
import dev.tandem.gateway.handover.Awaited;
import dev.tandem.gateway.handover.Notices;
import io.netty.buffer.ByteBuf;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * Runs the legs of one attempt in their order; the only class that knows the orders. Thread-safe.
 *
 * <p>Cancelling the result cancels the legs that run, all but a prefill leg beside a decode leg that has answered: that
 * one is cancelled when the attempt is closed.
 */
public final class ExchangeRunner {
    private static final Logger LOG = LoggerFactory.getLogger(ExchangeRunner.class);

    private final PrefillLegs prefills;
    private final PromptTokens prompts;
    private final LastTurns lastTurns;
    private final DecodeLegs decodes;
    private final ControlCalls calls;
    private final Notices notices;
    private final Drains drains;

    /** Makes a runner. */
    public ExchangeRunner(
            EngineClient engines,
            Notices notices,
            Drains drains,
            LastTurns lastTurns,
            RequestListener listener,
            Ticker ticker) {
        this.prefills = new PrefillLegs(engines, notices, listener, ticker);
        this.prompts = new PromptTokens(engines);
        this.lastTurns = lastTurns;
        this.decodes = new DecodeLegs(engines, listener);
        this.calls = new ControlCalls(engines);
        this.notices = notices;
        this.drains = drains;
    }

    /**
     * Runs an attempt.
     *
     * @param condemned whether the workers that have died in this attempt are too many for the request to go to
     *     another; asked before decode goes on alone
     * @return the answer for the client: successful, or the engine's rejection of the request; or a
     *     {@link FailureException}
     */
    public Mono<EngineAnswer> run(Attempt attempt, Asked asked, BooleanSupplier condemned) {
        Legs legs = new Legs(attempt, asked, condemned);
        return switch (attempt.exchange()) {
            case Single(Leg decode) -> decode(legs, decode);
            case Sequential exchange -> oneAfterTheOther(legs, exchange);
            case Continued exchange -> behindFirstToken(legs, exchange);
            case Parallel(Leg prefill, Leg decode) ->
                sideBySide(legs, prefills.beside(attempt, legs.prefill(prefill)), decode);
            case CalledBack(Leg decode, var callback, Leg prefill) ->
                sideBySide(legs, prefills.called(attempt, callback, legs.prefill(prefill)), decode);
        };
    }

    private Mono<EngineAnswer> decode(Legs legs, Leg leg) {
        Attempt attempt = legs.attempt();
        LegRequest request = legs.decode(leg);
        return decodes.run(
                attempt,
                lastTurns.telling(attempt, legs.asked(), request),
                lastTurns.noting(attempt, legs.asked(), request));
    }

    /**
     * Begins prefill first, so that it is sent however fast decode answers. What it says counts only as long as decode
     * has not answered, unless its answer is a part of decode's.
     */
    private Mono<EngineAnswer> sideBySide(Legs legs, Mono<EngineAnswer> prefill, Leg decode) {
        Attempt attempt = legs.attempt();
        attempt.begun();
        Mono<EngineAnswer> running = prefill.takeUntilOther(attempt.closed()).cache();
        return Mono.firstWithSignal(
                running.switchIfEmpty(Mono.never()),
                legs.decode(decode).asksForPromptLogprobs()
                        ? decode(legs, decode).flatMap(answer -> merged(answer, running))
                        : decode(legs, decode));
    }

    /** Until prefill has ended the answer is the attempt's, which gives it up if that ends otherwise than well. */
    private static Mono<EngineAnswer> merged(EngineAnswer decode, Mono<EngineAnswer> prefill) {
        return decode.successful() ? prefill.defaultIfEmpty(decode) : Mono.just(decode);
    }

    private Mono<EngineAnswer> oneAfterTheOther(Legs legs, Sequential exchange) {
        HandOver handOver = handOver(legs, exchange.handover(), exchange.decode());
        return lastTurns
                .recalled(legs.attempt(), legs.asked(), legs.prefill(exchange.prefill()))
                .flatMap(prefill -> prefills.run(legs.attempt(), prefill))
                .flatMap(prefilled -> switch (prefilled) {
                    case Prefilled.Answer(ByteBuf body) -> handOver.after(body).<Next>map(Next.Decode::new);
                    case Prefilled.Rejection(EngineAnswer answer) -> Mono.just(new Next.Rejected(answer));
                })
                .onErrorResume(FailureException.class, failure -> withoutPrefill(legs, exchange, failure))
                .flatMap(next -> switch (next) {
                    case Next.Decode(Leg leg) ->
                        decode(legs, legs.attempt().ofPrefill().unasked(leg));
                    case Next.Rejected(EngineAnswer answer) -> Mono.just(answer);
                });
    }

    /** Where the engine does not tell the prompt's tokens, decode answers from the start. */
    private Mono<EngineAnswer> behindFirstToken(Legs legs, Continued exchange) {
        return prompts.of(legs.prefill(exchange.prefill()), Continuable.promptOnly(legs.json()))
                .map(prompt -> continued(legs, exchange, prompt))
                .defaultIfEmpty(Mono.defer(() -> oneAfterTheOther(legs, exchange.fromStart())))
                .flatMap(Function.identity());
    }

    private Mono<EngineAnswer> continued(Legs legs, Continued exchange, String prompt) {
        HandOver handOver = handOver(legs, exchange.handover(), exchange.decode());
        return prefills.run(legs.attempt(), legs.prefill(exchange.prefill().with(new Put("prompt", prompt))))
                .flatMap(prefilled -> switch (prefilled) {
                    case Prefilled.Answer(ByteBuf body) -> {
                        Optional<FirstToken> first = FirstToken.in(body);
                        Mono<Leg> decode = handOver.after(body);
                        yield first.map(token -> behind(token, legs, prompt, decode))
                                .orElseGet(() -> decode.flatMap(leg -> decode(legs, leg)));
                    }
                    case Prefilled.Rejection(EngineAnswer answer) -> Mono.just(answer);
                });
    }

    private Mono<EngineAnswer> behind(FirstToken token, Legs legs, String prompt, Mono<Leg> decode) {
        Mono<EngineAnswer> rest =
                decode.flatMap(leg -> decode(legs, leg.with(token.edits(prompt, Continuable.maxTokens(legs.json())))));
        return legs.streaming() ? Mono.just(token.before(rest)) : rest.map(token::joined);
    }

    /** Begins to listen for notices at once: engines may be faster than their own answers. */
    private HandOver handOver(Legs legs, Handover handover, Leg decode) {
        Attempt attempt = legs.attempt();
        return switch (handover) {
            case ByContent nothing -> body -> dropped(body, decode);
            case Pushed nothing -> body -> dropped(body, offered(legs, decode));
            case Carried wanted -> body -> carried(legs, body, wanted, decode);
            case Calls due -> body -> dropped(body, decode).delayUntil(leg -> called(attempt, due));
            case Notified due -> {
                Awaited awaited = notices.expect(due.key());
                attempt.listensTo(awaited);
                yield body -> dropped(body, held(legs, decode)).delayUntil(leg -> notified(attempt, awaited, due));
            }
        };
    }

    private static Mono<Next> withoutPrefill(Legs legs, Sequential exchange, FailureException failure) {
        return switch (legs.attempt().connector().afterPrefillFailure()) {
            case DECODE_ALONE ->
                legs.condemned().getAsBoolean() ? Mono.error(failure) : Mono.just(new Next.Decode(exchange.decode()));
            case ROUTE_AGAIN -> Mono.error(failure);
        };
    }

    private static Mono<Leg> dropped(ByteBuf body, Leg decode) {
        body.release();
        return Mono.just(decode);
    }

    /**
     * Takes the body over. An answer that names no KV cache leaves the prompt to the decode worker, if it can do so.
     */
    private Mono<Leg> carried(Legs legs, ByteBuf body, Carried wanted, Leg decode) {
        try {
            return PrefillAnswer.carried(body, wanted)
                    .map(field -> Mono.just(offered(legs, decode.with(field))))
                    .orElseGet(() -> notOffered(legs.attempt(), decode, PrefillAnswer.mayHide(body, wanted)));
        } finally {
            body.release();
        }
    }

    private static Mono<Leg> notOffered(Attempt attempt, Leg decode, boolean hidden) {
        attempt.notOffered();
        if (hidden) {
            attempt.stranded();
        }
        return attempt.connector().servesWhole(Role.DECODE)
                ? Mono.just(decode)
                : Mono.error(new FailureException(Failure.PREFILL_FAILED, "the prefill worker offers no KV cache"));
    }

    /** Some engines store what they notify of where it needs no fetching. */
    private Leg held(Legs legs, Leg decode) {
        boolean waits = legs.attempt().connector().whenAbandoned() == WhenAbandoned.DRAIN_DECODE;
        return waits ? offered(legs, decode) : decode;
    }

    private Leg offered(Legs legs, Leg decode) {
        Attempt attempt = legs.attempt();
        attempt.offered(() -> drains.start(legs.prefill(ComputeOnly.drained(decode)), attempt::stranded));
        return decode;
    }

    /** Completes when decode may start, well or not. */
    private Mono<Void> called(Attempt attempt, Calls due) {
        return calls.run(due)
                .doOnSuccess(done -> attempt.handedOver())
                .onErrorResume(FailureException.class, failure -> {
                    LOG.debug("hand-over failed id={} cause={}", attempt.exchangeId(), failure.detail());
                    attempt.handoverFailed();
                    return Mono.empty();
                });
    }

    /** Completes when decode may start, well or not. */
    private static Mono<Void> notified(Attempt attempt, Awaited awaited, Notified due) {
        return awaited.arrived(due.count())
                .timeout(due.patience())
                .doOnSuccess(done -> attempt.handedOver())
                .onErrorResume(TimeoutException.class, late -> {
                    LOG.debug("hand-over failed id={} cause=no notice in time", attempt.exchangeId());
                    attempt.handoverFailed();
                    return Mono.empty();
                })
                .doFinally(signal -> awaited.close());
    }

    /** What comes between the prefill worker's answer, which it takes over, and the decode leg. */
    private interface HandOver {
        Mono<Leg> after(ByteBuf prefillAnswer);
    }

    /** What follows a prefill leg. */
    private sealed interface Next {
        /** The decode leg, with what prefill has handed over. */
        record Decode(Leg leg) implements Next {}

        /** The client gets the prefill worker's rejection. */
        record Rejected(EngineAnswer answer) implements Next {}
    }

    /** What the legs of one attempt share. */
    private record Legs(Attempt attempt, Asked asked, BooleanSupplier condemned) {
        private boolean streaming() {
            return asked.streaming();
        }

        private RequestBody.Json json() {
            return (RequestBody.Json) asked.body();
        }

        private LegRequest prefill(Leg leg) {
            return request(leg, attempt.computing(), false, true);
        }

        private LegRequest decode(Leg leg) {
            return request(leg, attempt.answering(), asked.streaming(), asked.streaming());
        }

        private LegRequest request(Leg leg, EngineFacts engine, boolean streaming, boolean soon) {
            Leg made = leg.upon(asked.edits());
            return new LegRequest(
                    made, engine.kind(), asked.body(), attempt.exchangeId(), asked.headers(), streaming, soon);
        }
    }
}
