// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.pipeline;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.lifecycle.Outcome;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.lifecycle.RequestRecord;
import dev.tandem.core.request.ApiKind;
import dev.tandem.core.retry.NextMove;
import dev.tandem.core.retry.Retries;
import dev.tandem.core.time.Ticker;
import dev.tandem.gateway.admission.Ticket;
import dev.tandem.gateway.admission.WaitingRoom;
import dev.tandem.gateway.answer.AnswerRelay;
import dev.tandem.gateway.answer.EngineAnswer;
import dev.tandem.gateway.answer.RelayEnd;
import dev.tandem.gateway.body.RequestBody;
import dev.tandem.gateway.body.Resumable;
import dev.tandem.gateway.exchange.Attempt;
import dev.tandem.gateway.exchange.ExchangeRunner;
import dev.tandem.gateway.resume.Resumes;
import dev.tandem.gateway.resume.Successor;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SignalType;
import reactor.netty.Connection;
import reactor.netty.channel.AbortedException;
import reactor.netty.http.server.HttpServerResponse;

/**
 * The life of one request: admit, attempt (route, plan, exchange), recover, relay, settle. Thread-safe.
 *
 * <p>Nothing here blocks, and cancelling the returned {@code Mono} cancels whatever runs. A client that leaves shows as
 * CANCEL on the body of the answer and as completion of the response, so the end of the body decides.
 */
public final class RequestPipeline {
    private static final Logger LOG = LoggerFactory.getLogger(RequestPipeline.class);

    private final WaitingRoom waitingRoom;
    private final Planner planner;
    private final ExchangeRunner runner;
    private final Retries retries;
    private final Suspicion suspicion;
    private final Resumes resumes;
    private final AnswerRelay relay;
    private final AnswerHeaders answerHeaders;
    private final RequestListener listener;
    private final Ticker ticker;

    /** Makes a pipeline of its steps. */
    public RequestPipeline(Steps steps, RequestListener listener, Ticker ticker) {
        this.waitingRoom = steps.waitingRoom();
        this.planner = steps.planner();
        this.runner = steps.runner();
        this.retries = steps.retries();
        this.suspicion = steps.suspicion();
        this.resumes = steps.resumes();
        this.relay = steps.relay();
        this.answerHeaders = steps.answerHeaders();
        this.listener = listener;
        this.ticker = ticker;
    }

    /** Writes the failure of a request whose answer has not begun. */
    @FunctionalInterface
    public interface FailureAnswer {
        /** Writes the failure to the client. */
        Mono<Void> write(FailureException failure);
    }

    /** Serves a request by passing the engine's answer on. */
    public Mono<Void> serve(ClientRequest request, HttpServerResponse response, FailureAnswer onFailure) {
        return serve(request, response, onFailure, UnaryOperator.identity());
    }

    /**
     * Serves a request by passing the engine's answer on, rewritten.
     *
     * @param rewrite makes the answer for the client of a successful one; the headers that explain it are set by then
     */
    public Mono<Void> serve(
            ClientRequest request,
            HttpServerResponse response,
            FailureAnswer onFailure,
            UnaryOperator<EngineAnswer> rewrite) {
        listener.onAccepted();
        RequestScope scope = new RequestScope(
                request,
                resumes.of(request.api(), request.streaming(), request.body()).orElse(null),
                listener,
                ticker);
        Watch watch = new Watch(scope);
        retries.onRequest();
        return admit(scope)
                .then(Mono.defer(() -> firstAttempt(scope)))
                .flatMap(answer -> {
                    scope.answered(answer);
                    answerHeaders.write(scope, response.responseHeaders());
                    EngineAnswer ours = answer.successful() ? rewrite.apply(lasting(scope, answer)) : answer;
                    return relay.relay(ours, request.api(), request.streaming(), response, watch);
                })
                .onErrorResume(thrown -> refuse(scope, watch, response, onFailure, thrown))
                .doFinally(watch::responseEnded);
    }

    /** Records a request that was refused before it became one. */
    public void refused(String id, ApiKind api, Failure failure, long nanos) {
        listener.onAccepted();
        listener.onSettled(new RequestRecord(
                id,
                api,
                null,
                false,
                failure == Failure.CLIENT_LEFT ? new Outcome.ClientLeft() : new Outcome.Failed(failure),
                failure.status(),
                new RequestRecord.Route(null, null, null, null, 0),
                new RequestRecord.Timings(-1, -1, -1, -1, nanos),
                new RequestRecord.Usage(-1, -1, -1, 0, 0)));
    }

    private Mono<Void> admit(RequestScope scope) {
        return Mono.defer(() -> entered(scope).turn()).doOnSuccess(turn -> scope.admitted());
    }

    private Ticket entered(RequestScope scope) {
        ClientRequest request = scope.request();
        Ticket ticket = scope.entered(waitingRoom.enter(request.caller(), request.routing()));
        if (ticket.heldBack()) {
            listener.onHeldBack();
        }
        return ticket;
    }

    private Mono<EngineAnswer> firstAttempt(RequestScope scope) {
        suspicion.requireInnocent(scope.request().body());
        return attempt(scope);
    }

    private Mono<EngineAnswer> attempt(RequestScope scope) {
        Planner.Plan plan = planner.plan(scope);
        Attempt attempt = plan.attempt();
        scope.began(attempt, plan.routedTo(), plan.decisionNanos());
        RequestBody body = scope.request().body();
        return runner.run(
                        attempt,
                        scope.askedNow(),
                        () -> suspicion.condemns(body, attempt.culprits().dead()))
                .map(attempt::shown)
                .onErrorResume(FailureException.class, failure -> recover(scope, failure));
    }

    private EngineAnswer lasting(RequestScope scope, EngineAnswer answer) {
        Resumable resumable = scope.resumable();
        return resumable == null
                ? answer
                : resumes.lasting(answer, scope.request().api(), scope.engine(), resumable, new Elsewhere(scope));
    }

    /** Decides what follows a failed attempt, of which no byte has reached the client. */
    private Mono<EngineAnswer> recover(RequestScope scope, FailureException thrown) {
        scope.toldToWait(thrown.retryAfter());
        FailureException failure = suspicion.judged(scope.request().body(), scope.failed(), thrown);
        return switch (next(scope, failure.failure())) {
            case NextMove.RouteAgain again -> again(scope, failure);
            case NextMove.ServeWhole alone -> {
                scope.serveWhole();
                yield again(scope, failure);
            }
            case NextMove.Denied(Failure last) -> {
                listener.onRetryDenied();
                yield Mono.error(failure);
            }
            case NextMove.GiveUp(Failure last) -> Mono.error(failure);
        };
    }

    private NextMove next(RequestScope scope, Failure failure) {
        if (!scope.request().body().repeatable()) {
            return new NextMove.GiveUp(failure);
        }
        return scope.resumed() ? retries.afterResumed(failure, scope.tries()) : retries.after(failure, scope.tries());
    }

    private Mono<EngineAnswer> again(RequestScope scope, FailureException failure) {
        Duration pause = retries.pause(failure.failure(), scope.tries());
        Mono<EngineAnswer> next = Mono.defer(() -> attempt(scope));
        return (pause.isZero() ? next : Mono.delay(pause).then(next))
                .onErrorMap(FailureException.class, later -> moreTelling(failure, later));
    }

    /** When nobody else is there, the client learns why the attempts before failed. */
    private static FailureException moreTelling(FailureException first, FailureException later) {
        return later.failure() == Failure.NO_WORKER ? first : later;
    }

    private Mono<Void> refuse(
            RequestScope scope, Watch watch, HttpServerResponse response, FailureAnswer onFailure, Throwable thrown) {
        if (response.hasSentHeaders()) {
            // Completing or failing here would end the chunked body properly, and half an answer would look whole.
            response.withConnection(Connection::dispose);
            return Mono.empty();
        }
        FailureException failure = known(scope, thrown).retryingAfter(scope.longestWait());
        scope.refused(failure.failure().status());
        watch.refused(failure.failure());
        if (failure.failure() == Failure.CLIENT_LEFT) {
            return Mono.empty();
        }
        answerHeaders.write(scope, response.responseHeaders());
        return onFailure.write(failure);
    }

    private static FailureException known(RequestScope scope, Throwable thrown) {
        return switch (thrown) {
            case FailureException known -> known;
            case AbortedException left ->
                new FailureException(Failure.CLIENT_LEFT, "the client closed its connection", left);
            default -> {
                LOG.error("request failed id={}", scope.request().id(), thrown);
                yield new FailureException(Failure.INTERNAL, "the gateway failed to serve the request", thrown);
            }
        };
    }

    /** Other workers for a request whose answer has begun. */
    private final class Elsewhere implements Successor {
        private final RequestScope scope;

        private Elsewhere(RequestScope scope) {
            this.scope = scope;
        }

        @Override
        public int contextTokens() {
            return scope.contextTokens();
        }

        @Override
        public Mono<EngineAnswer> ask(FailureException died, ApiKind api, BodyEdits edits) {
            return Mono.defer(() -> {
                Set<String> dead = scope.givenUpOn(died);
                if (suspicion.condemns(scope.request().body(), dead)) {
                    return Mono.error(died);
                }
                if (!retries.mayResume(scope.asking(), scope.beganNanos())) {
                    listener.onRetryDenied();
                    return Mono.error(died);
                }
                scope.asksFor(api, edits);
                return attempt(scope).doOnNext(answer -> goesOn(answer));
            });
        }

        /** A rejection is no answer of which anything follows. */
        private void goesOn(EngineAnswer answer) {
            if (answer.successful()) {
                scope.goesOn();
            }
        }
    }

    /** Follows an answer to its end and settles the request there. */
    private final class Watch implements AnswerRelay.Watcher {
        private final RequestScope scope;
        private volatile Outcome whenWritten = new Outcome.ClientLeft();

        private Watch(RequestScope scope) {
            this.scope = scope;
        }

        private void refused(Failure failure) {
            whenWritten = failure == Failure.CLIENT_LEFT ? new Outcome.ClientLeft() : new Outcome.Failed(failure);
        }

        @Override
        public void onFirstByte() {
            scope.onFirstByte();
        }

        @Override
        public void onGap(long gapNanos) {
            listener.onGap(gapNanos);
        }

        @Override
        public void onSaid() {
            scope.onSaid();
        }

        @Override
        public void onEnd(RelayEnd end) {
            scope.counted(end.bytes(), end.usage());
            switch (end.kind()) {
                case WHOLE -> {
                    whenWritten =
                            scope.rejected() ? new Outcome.Failed(Failure.ENGINE_REJECTED) : new Outcome.Completed();
                    completed();
                }
                case TAKEN -> {
                    completed();
                    scope.settle(new Outcome.Completed());
                }
                case BROKEN -> {
                    FailureException failure = Objects.requireNonNull(end.failure());
                    whenWritten = new Outcome.Truncated(failure.failure());
                    brokeOff(failure);
                }
                case CANCELLED -> scope.settle(new Outcome.ClientLeft());
            }
        }

        private void completed() {
            scope.onSaid();
            suspicion.clear(scope.request().body());
            scope.legCompleted();
        }

        /** One that nobody has gone on with has been noted when somebody was asked to. */
        private void brokeOff(FailureException failure) {
            if (scope.answering()) {
                suspicion.condemns(scope.request().body(), scope.brokeOff(failure));
            }
        }

        private void responseEnded(SignalType signal) {
            boolean written = signal == SignalType.ON_COMPLETE;
            Outcome ended = whenWritten;
            scope.settle(written || ended instanceof Outcome.Truncated ? ended : new Outcome.ClientLeft());
        }
    }

    /**
     * The steps of a pipeline.
     *
     * @param waitingRoom admits
     * @param planner routes and lays out the legs
     * @param runner runs the legs
     * @param retries decides what follows a failed attempt
     * @param suspicion keeps requests that kill workers from going on
     * @param resumes makes streams survive their workers
     * @param relay passes the answer on
     * @param answerHeaders explains the answer
     */
    public record Steps(
            WaitingRoom waitingRoom,
            Planner planner,
            ExchangeRunner runner,
            Retries retries,
            Suspicion suspicion,
            Resumes resumes,
            AnswerRelay relay,
            AnswerHeaders answerHeaders) {}
}
