// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.FleetSnapshot;
import dev.tandem.core.fleet.LoadView;
import dev.tandem.core.fleet.Pool;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.fleet.WorkerStatus;
import dev.tandem.core.request.ApiKind;
import dev.tandem.core.routing.ModelRoutes.ModelPolicies;
import dev.tandem.core.routing.RoutingDecision.Disaggregated;
import dev.tandem.core.routing.RoutingDecision.Unified;
import dev.tandem.core.routing.RoutingDecision.Unroutable;
import dev.tandem.core.time.Ticker;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Decides which workers run an attempt. Thread-safe; never blocks.
 *
 * <p>The rules, in their order:
 *
 * <ol>
 *   <li>A model that no worker has ever listed does not exist, once some worker has listed its models.
 *   <li>Without hand-over, all workers of the model form one pool and serve whole requests by the prefill policy.
 *   <li>A splittable prompt of at least {@code minSplitTokens} goes to a prefill and a decode worker, if both are up
 *       and one can read from the other ({@link Pairs}): first a decode worker that has a partner, then its partner.
 *   <li>Where engines of a pair serve nothing alone, a short prompt needs a unified worker or a pair, too.
 *   <li>A request that is short or can not be split runs whole on a unified worker, else on a decode worker; one that
 *       only lacks its pair, on whichever of the two the policy prefers. Prefill workers are the last resort of both.
 * </ol>
 *
 * <p>Policies have an instance for each model and side, so that the traffic of one model does not distort what a policy
 * learns about another; they are compiled when the fleet changes, not per request.
 */
public final class Router {
    private static final String NEVER_ALONE =
            "the workers of this model hand over every prompt, one at a time: n, best_of, echo with logprobs,"
                    + " prompt_logprobs of a long prompt, beam search and lists of prompts need a worker that runs"
                    + " requests alone";
    private static final String NO_PAIR = "no decode worker that is up can read from a prefill worker that is up";

    private final Fleet fleet;
    private final RoutingSettings settings;
    private final HandoverRule handover;
    private final Supplier<RandomGenerator> random;
    private final Ticker ticker;

    /** Guards {@link #policies}; held while the policies are compiled after a change of the fleet. */
    private final Object lock = new Object();

    private Map<String, ModelPolicies> policies = Map.of();
    private final ModelPolicies anyModel;
    private volatile Routes routes;

    /**
     * Makes a router over a fleet.
     *
     * @param handover says which requests may run on two workers
     * @param random generator for the calling thread, asked once per choice
     * @param ticker time for policies that forget
     * @throws IllegalArgumentException when the settings name an unknown policy; the message lists the known ones
     */
    public Router(
            Fleet fleet,
            RoutingSettings settings,
            HandoverRule handover,
            Supplier<RandomGenerator> random,
            Ticker ticker) {
        this.fleet = fleet;
        this.settings = settings;
        this.handover = handover;
        this.random = random;
        this.ticker = ticker;
        this.anyModel = newPolicies();
        synchronized (lock) {
            this.routes = compiled(fleet.snapshot());
        }
    }

    /**
     * Decides about one attempt.
     *
     * @param request what is known of the request
     * @param excludedWorkerIds workers that must not get it, for example those that failed it before
     */
    public RoutingDecision route(RoutingRequest request, Set<String> excludedWorkerIds) {
        String model = request.model();
        if (!fleet.knows(model) && fleet.hasListedModels()) {
            return unroutable(Failure.MODEL_NOT_FOUND, "no worker serves this model");
        }
        ModelRoutes candidates = current().of(model);
        if (candidates == null) {
            return unroutable(Failure.NO_WORKER, nobodyServes());
        }
        Attempt attempt = new Attempt(request, excludedWorkerIds, candidates);
        return switch (way(attempt)) {
            case Way.Whole(List<Route> order, String reason) -> whole(attempt, order, reason);
            case Way.Refused refused -> unroutable(Failure.NOT_SPLITTABLE, NEVER_ALONE);
            case Way.Split pair -> split(attempt);
        };
    }

    /**
     * Whether a request can run as it should when some of the workers that could take it are spared: on another pair if
     * it is to run on one, and on prefill workers alone only if all others are down. What nobody could take at all has
     * nobody to spare.
     *
     * @param excludedWorkerIds workers that must not get it anyway
     * @param spared ids of the workers to spare
     */
    public boolean spares(RoutingRequest request, Set<String> excludedWorkerIds, Set<String> spared) {
        ModelRoutes candidates = current().of(request.model());
        if (candidates == null) {
            return true;
        }
        Set<String> closed = new HashSet<>(excludedWorkerIds);
        closed.addAll(spared);
        return switch (way(new Attempt(request, excludedWorkerIds, candidates))) {
            case Way.Whole(List<Route> order, String reason) -> spares(order, excludedWorkerIds, closed);
            case Way.Refused refused -> true;
            case Way.Split pair ->
                candidates.paired(excludedWorkerIds)
                        ? candidates.paired(closed)
                        : spares(candidates.wholeAnywhere(), excludedWorkerIds, closed);
        };
    }

    /** Looks at the last route, which is that of prefill workers, only if nobody else is there. */
    private static boolean spares(List<Route> order, Set<String> excluded, Set<String> closed) {
        List<Route> better = order.subList(0, Math.max(1, order.size() - 1));
        if (better.stream().anyMatch(route -> route.open(excluded))) {
            return better.stream().anyMatch(route -> route.open(closed));
        }
        return !order.getLast().open(excluded) || order.getLast().open(closed);
    }

    /** Whether nobody takes a request now, and somebody will when one of the requests that he has leaves. */
    public boolean waits(RoutingRequest request) {
        ModelRoutes candidates = current().of(request.model());
        if (candidates == null) {
            return false;
        }
        Attempt attempt = new Attempt(request, Set.of(), candidates);
        boolean open = switch (way(attempt)) {
            case Way.Whole(List<Route> order, String reason) -> open(order);
            case Way.Refused refused -> true;
            case Way.Split pair -> bothOpen(candidates) || open(candidates.wholeAnywhere());
        };
        return !open && some(attempt, WorkerStatus::makesRoom);
    }

    /** Of the pairs of workers that are open some are only ejected, and better than nothing. */
    private static boolean bothOpen(ModelRoutes candidates) {
        return candidates.prefill().open(Set.of()) && candidates.decode().open(Set.of());
    }

    private static boolean open(List<Route> order) {
        return order.stream().anyMatch(route -> route.open(Set.of()));
    }

    /** Whether requests for some model can be served now, at once or when workers that are up have less to do. */
    public boolean serves() {
        Predicate<Worker> up = worker ->
                fleet.status(worker).map(status -> status.state().serving()).orElse(false);
        return current().byModel().values().stream().anyMatch(candidates -> candidates.serve(up));
    }

    /** Returns what decides who can take a request; requests that are equal in it can go to the same workers. */
    public Kind kind(RoutingRequest request) {
        boolean small = request.promptTokens() < settings.minSplitTokens();
        return new Kind(request.api(), request.model(), request.splittable(), small);
    }

    private Way way(Attempt attempt) {
        ModelRoutes candidates = attempt.candidates();
        RoutingRequest request = attempt.request();
        if (!candidates.handOver()) {
            return new Way.Whole(List.of(candidates.anyWhole()), "nothing is handed over");
        }
        if (!candidates.handOver(request.api())) {
            return new Way.Whole(candidates.wholeFirst(), "prompts of this API are not handed over");
        }
        if (!request.splittable()) {
            return candidates.serveWhole()
                    ? new Way.Whole(candidates.wholeFirst(), "the request can not be split")
                    : new Way.Refused();
        }
        if (request.promptTokens() < settings.minSplitTokens() && candidates.takesWhole(attempt.excluded())) {
            return new Way.Whole(
                    candidates.wholeFirst(),
                    "prompt of " + request.promptTokens() + " tokens is below " + settings.minSplitTokens());
        }
        return new Way.Split();
    }

    private RoutingDecision split(Attempt attempt) {
        ModelRoutes candidates = attempt.candidates();
        if (!candidates.prefill().open(attempt.excluded())) {
            return whole(attempt, candidates.wholeAnywhere(), missing("prefill", candidates.prefill()));
        }
        RoutingDecision split = split(attempt, candidates.pairs());
        return split != null ? split : unpaired(attempt);
    }

    /** Returns who can read from whom, or null when nobody can. */
    private @Nullable RoutingDecision split(Attempt attempt, Pairs pairs) {
        ModelRoutes candidates = attempt.candidates();
        LoadView prefills = candidates.prefill().load(attempt.excluded());
        LoadView decodes = candidates.decode().load(attempt.excluded());
        int decode = candidates.decode().select(attempt.request(), pairs.decodes(decodes, prefills));
        if (decode == Selector.NONE) {
            return null;
        }
        int prefill = candidates.prefill().select(attempt.request(), pairs.prefills(prefills, decode));
        if (prefill == Selector.NONE) {
            return whole(attempt, candidates.wholeAnywhere(), missing("prefill", candidates.prefill()));
        }
        String reason = "prompt of " + attempt.request().promptTokens() + " tokens, a pair is up";
        return new Disaggregated(
                candidates.prefill().worker(prefill),
                candidates.decode().worker(decode),
                new Rationale(candidates.decode().policy(), reason));
    }

    private RoutingDecision whole(Attempt attempt, List<Route> order, String reason) {
        for (Route route : order) {
            Worker worker = route.choose(attempt.request(), attempt.excluded());
            if (worker != null) {
                return new Unified(worker, new Rationale(route.policy(), reason));
            }
        }
        return unroutable(some(attempt, Router::full) ? Failure.ENGINE_BUSY : Failure.NO_WORKER, nobodyIsUp(attempt));
    }

    /** Somebody who serves whole requests is still better than nobody. */
    private RoutingDecision unpaired(Attempt attempt) {
        ModelRoutes candidates = attempt.candidates();
        if (!candidates.decode().open(attempt.excluded())) {
            return whole(attempt, candidates.wholeAnywhere(), missing("decode", candidates.decode()));
        }
        RoutingDecision whole = whole(attempt, candidates.wholeAnywhere(), NO_PAIR);
        if (!(whole instanceof Unroutable)) {
            return whole;
        }
        RoutingDecision ejected =
                candidates.anyPairs() == candidates.pairs() ? null : split(attempt, candidates.anyPairs());
        return ejected == null ? unroutable(Failure.NO_WORKER, NO_PAIR) : ejected;
    }

    private static String missing(String role, Route route) {
        return route.empty() ? "no " + role + " worker serves the model" : "no " + role + " worker is up";
    }

    private RoutingDecision unroutable(Failure failure, String reason) {
        return new Unroutable(failure, new Rationale(settings.decodePolicy(), reason));
    }

    private String nobodyServes() {
        int workers = fleet.workers().size();
        return switch (workers) {
            case 0 -> "there is no worker";
            case 1 -> "the only worker does not serve the model now";
            default -> "none of " + workers + " workers serves the model now";
        };
    }

    private static boolean full(WorkerStatus status) {
        return status.state().serving() && status.full();
    }

    /** Whether somebody who could take the request but for that is as wanted. */
    private boolean some(Attempt attempt, Predicate<WorkerStatus> wanted) {
        Pool serving = attempt.candidates().all().pool();
        return fleet.statuses().stream()
                .filter(status -> serving.members().workers().contains(status.worker()))
                .filter(status -> !attempt.excluded().contains(status.worker().id()))
                .anyMatch(wanted);
    }

    private String nobodyIsUp(Attempt attempt) {
        Set<Worker> serving =
                Set.copyOf(attempt.candidates().all().pool().members().workers());
        if (serving.isEmpty()) {
            return nobodyServes();
        }
        Map<String, Integer> counts = new TreeMap<>();
        for (WorkerStatus status : fleet.statuses()) {
            if (serving.contains(status.worker())) {
                counts.merge(problem(status, attempt.excluded()), 1, Integer::sum);
            }
        }
        StringBuilder text =
                new StringBuilder(serving.size() == 1 ? "1 worker serves" : serving.size() + " workers serve");
        text.append(" the model, none can take the request: ");
        counts.forEach((problem, count) ->
                text.append(count).append(' ').append(problem).append(", "));
        text.setLength(text.length() - 2);
        return text.toString();
    }

    private static String problem(WorkerStatus status, Set<String> excluded) {
        return switch (status.state()) {
            case UNKNOWN -> "not probed yet";
            case DOWN -> "down";
            case EJECTED -> "ejected";
            case PROBATION -> full(status, excluded, "on probation");
            case DRAINING -> "draining";
            case UP -> full(status, excluded, "can not run it alone");
        };
    }

    private static String full(WorkerStatus status, Set<String> excluded, String otherwise) {
        if (excluded.contains(status.worker().id())) {
            return "failed it already";
        }
        return status.full() ? "full" : otherwise;
    }

    private Routes current() {
        Routes now = routes;
        if (now.snapshot() == fleet.snapshot()) {
            return now;
        }
        synchronized (lock) {
            FleetSnapshot snapshot = fleet.snapshot();
            if (routes.snapshot() != snapshot) {
                routes = compiled(snapshot);
            }
            return routes;
        }
    }

    private Routes compiled(FleetSnapshot snapshot) {
        Map<String, ModelPolicies> kept = new HashMap<>();
        Map<String, ModelRoutes> byModel = new HashMap<>();
        for (String model : snapshot.models()) {
            ModelPolicies before = policies.get(model);
            ModelPolicies now = before != null ? before : newPolicies();
            kept.put(model, now);
            byModel.put(model, new ModelRoutes(snapshot, model, now, handover));
        }
        policies = kept;
        return new Routes(snapshot, Map.copyOf(byModel), new ModelRoutes(snapshot, null, anyModel, handover));
    }

    private ModelPolicies newPolicies() {
        return new ModelPolicies(
                RoutingPolicies.named(settings.prefillPolicy(), settings, random, ticker),
                RoutingPolicies.named(settings.decodePolicy(), settings, random, ticker),
                RoutingPolicies.named(settings.prefillPolicy(), settings, random, ticker));
    }

    /** What was derived from one snapshot. Immutable. */
    private record Routes(FleetSnapshot snapshot, Map<String, ModelRoutes> byModel, ModelRoutes anyModel) {
        @Nullable
        ModelRoutes of(@Nullable String model) {
            return model == null ? anyModel : byModel.get(model);
        }
    }

    /** How a request is to run. */
    private sealed interface Way {
        /** On one worker, of the first pool that has one. */
        record Whole(List<Route> order, String reason) implements Way {}

        /** On a pair, if there is one. */
        record Split() implements Way {}

        /** It must run on one worker, and nobody runs it alone. */
        record Refused() implements Way {}
    }

    /**
     * Requests that can go to the same workers. Immutable.
     *
     * @param api the API that was called
     * @param model the served model, or null for any
     * @param splittable whether prefill and decode may run on two workers
     * @param small whether the prompt is better off on one
     */
    public record Kind(ApiKind api, @Nullable String model, boolean splittable, boolean small) {}

    /** One decision in the making. Immutable. */
    private record Attempt(RoutingRequest request, Set<String> excluded, ModelRoutes candidates) {}
}
