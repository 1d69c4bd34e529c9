// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.pipeline;

import dev.tandem.core.disagg.ConnectorChoice;
import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.KvConnector;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.fleet.EngineLoads;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.Lease;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.fleet.WorkerPair;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.request.ApiKind;
import dev.tandem.core.routing.Rationale;
import dev.tandem.core.routing.Router;
import dev.tandem.core.routing.RoutingDecision;
import dev.tandem.core.routing.RoutingRequest;
import dev.tandem.core.time.Ticker;
import dev.tandem.gateway.body.Continuable;
import dev.tandem.gateway.exchange.Attempt;
import java.util.HashSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Routes a request, takes the leases and lays out the legs of one attempt. Thread-safe. */
public final class Planner {
    private static final Logger LOG = LoggerFactory.getLogger(Planner.class);

    /** How often a decision is made that another request has overtaken. */
    private static final int MAX_DRAWS = 4;

    private final Router router;
    private final Fleet fleet;
    private final EngineLoads loads;
    private final ConnectorChoice connectors;
    private final Pairings pairings;
    private final RequestListener listener;
    private final Ticker ticker;

    /** Makes a planner. */
    public Planner(
            Router router,
            EngineLoads loads,
            ConnectorChoice connectors,
            Pairings pairings,
            RequestListener listener,
            Ticker ticker) {
        this.router = router;
        this.fleet = loads.fleet();
        this.loads = loads;
        this.connectors = connectors;
        this.pairings = pairings;
        this.listener = listener;
        this.ticker = ticker;
    }

    /**
     * Plans one attempt.
     *
     * @throws FailureException if nobody can take the request
     */
    Plan plan(RequestScope scope) {
        Plan plan = draw(scope);
        for (int drawn = 1; drawn < MAX_DRAWS && plan.attempt().surplus(); drawn++) {
            plan.attempt().close();
            plan = draw(scope);
        }
        return plan;
    }

    private Plan draw(RequestScope scope) {
        ClientRequest request = scope.request();
        int attemptsBefore = scope.attempts();
        long start = ticker.nanoTime();
        RoutingDecision decision = decide(scope);
        long nanos = ticker.nanoTime() - start;
        String exchangeId = attemptsBefore == 0 ? request.id() : request.id() + "-" + (attemptsBefore + 1);
        log(request, decision, attemptsBefore);
        return switch (decision) {
            case RoutingDecision.Unified(Worker worker, Rationale why) ->
                unified(new Draft(scope, exchangeId, why, nanos), worker);
            case RoutingDecision.Disaggregated(Worker prefill, Worker decode, Rationale why) ->
                disaggregated(new Draft(scope, exchangeId, why, nanos), prefill, decode);
            case RoutingDecision.Unroutable(var failure, Rationale why) ->
                throw new FailureException(failure, unroutable(request, failure, why));
        };
    }

    /** Where nobody serves a request whole that should run so, another pair is the next best. */
    private RoutingDecision decide(RequestScope scope) {
        RoutingRequest asked = scope.request().routing();
        RoutingDecision decision = decide(scope, scope.whole() ? asked.whole() : asked);
        return scope.whole() && decision instanceof RoutingDecision.Unroutable ? decide(scope, asked) : decision;
    }

    private RoutingDecision decide(RequestScope scope, RoutingRequest request) {
        Set<String> avoided = avoided(scope, request);
        RoutingDecision decision = router.route(request, avoided);
        return decision instanceof RoutingDecision.Unroutable && !avoided.equals(scope.failedWorkers())
                ? router.route(request, scope.failedWorkers())
                : decision;
    }

    /** Returns who has failed the request, who may have, and who is saturated as long as others are not. */
    private Set<String> avoided(RequestScope scope, RoutingRequest request) {
        Set<String> saturated = loads.saturated();
        if (scope.doubtedWorkers().isEmpty() && saturated.isEmpty()) {
            return scope.failedWorkers();
        }
        Set<String> avoided = new HashSet<>(scope.failedWorkers());
        avoided.addAll(scope.doubtedWorkers());
        if (!saturated.isEmpty() && router.spares(request, avoided, saturated)) {
            avoided.addAll(saturated);
        }
        return avoided;
    }

    private static String unroutable(ClientRequest request, Failure failure, Rationale why) {
        return failure == Failure.MODEL_NOT_FOUND
                ? "the model `" + request.routing().model() + "` is not served; GET /v1/models lists what is"
                : why.reason();
    }

    private Plan unified(Draft draft, Worker worker) {
        Lease lease = fleet.lease(worker, draft.promptTokens());
        KvConnector connector = connectors.of(lease.seat().facts());
        Exchange exchange = new Exchange.Single(connector.whole(lease.seat(), draft.api()));
        return new Plan(
                new Attempt(draft.exchangeId(), exchange, connector, null, lease, listener),
                new RequestScope.RoutedTo(null, worker.id(), draft.why().policy(), null),
                draft.nanos());
    }

    /** The prompt weighs on the prefill worker until it is computed; the decode worker only reads its cache. */
    private Plan disaggregated(Draft draft, Worker prefill, Worker decode) {
        Lease prefillLease = fleet.lease(prefill, draft.promptTokens());
        Lease decodeLease = fleet.leaseDecode(new WorkerPair(prefill.id(), decode.id()), decode);
        KvConnector connector = connectors.between(
                prefillLease.seat().facts(), decodeLease.seat().facts());
        Exchange exchange = connector.plan(
                pairings.pair(prefillLease.seat(), decodeLease.seat(), draft.api(), draft.continuable()));
        if (exchange instanceof Exchange.Single) {
            prefillLease.close();
            decodeLease.close();
            return unified(draft, decode);
        }
        return new Plan(
                new Attempt(draft.exchangeId(), exchange, connector, prefillLease, decodeLease, listener),
                new RequestScope.RoutedTo(prefill.id(), decode.id(), draft.why().policy(), connector.name()),
                draft.nanos());
    }

    private static void log(ClientRequest request, RoutingDecision decision, int attemptsBefore) {
        if (LOG.isDebugEnabled()) {
            LOG.debug(
                    "PD retry attempt {} id={} decision={} reason={}",
                    attemptsBefore,
                    request.id(),
                    describe(decision),
                    decision.why().reason());
        }
    }

    private static String describe(RoutingDecision decision) {
        return switch (decision) {
            case RoutingDecision.Unified(Worker worker, Rationale why) -> "using unified=" + worker.id();
            case RoutingDecision.Disaggregated(Worker prefill, Worker decode, Rationale why) ->
                "using prefill=" + prefill.id() + " decode=" + decode.id();
            case RoutingDecision.Unroutable(var failure, Rationale why) -> failure.code();
        };
    }

    /** An attempt whose workers are known. */
    private record Draft(RequestScope scope, String exchangeId, Rationale why, long nanos) {
        private int promptTokens() {
            return scope.request().routing().promptTokens();
        }

        private ApiKind api() {
            return scope.asked().api();
        }

        /** A stream that may have to go on elsewhere needs an answer all of whose tokens decode tells. */
        private boolean continuable() {
            return scope.resumable() == null
                    && Continuable.is(api(), scope.asked().body());
        }
    }

    /**
     * One attempt, ready to run.
     *
     * @param attempt the attempt; it holds the leases
     * @param routedTo where it goes
     * @param decisionNanos what the routing decision cost
     */
    record Plan(Attempt attempt, RequestScope.RoutedTo routedTo, long decisionNanos) {}
}
