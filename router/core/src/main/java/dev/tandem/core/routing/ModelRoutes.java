// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing;

import dev.tandem.core.fleet.FleetSnapshot;
import dev.tandem.core.fleet.LoadView;
import dev.tandem.core.fleet.Pool;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.fleet.WorkerPair;
import dev.tandem.core.request.ApiKind;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The pools of one model, each with its compiled policy. Thread-safe; valid for one snapshot of the fleet. */
final class ModelRoutes {
    private static final Set<Role> EVERY_ROLE = EnumSet.allOf(Role.class);

    private final Set<ApiKind> handedOver;
    private final Route all;
    private final Route anyWhole;
    private final Route prefill;
    private final Route decode;
    private final Pairs pairs;
    private final Pairs anyPairs;
    private final List<Route> wholeFirst;
    private final List<Route> wholeAnywhere;

    ModelRoutes(FleetSnapshot snapshot, @Nullable String model, ModelPolicies policies, HandoverRule rule) {
        handedOver = Set.copyOf(rule.between(
                snapshot.facts(model, EnumSet.of(Role.PREFILL)), snapshot.facts(model, EnumSet.of(Role.DECODE))));
        all = new Route(snapshot.pool(model, EVERY_ROLE), policies.whole());
        prefill = new Route(snapshot.pool(model, EnumSet.of(Role.PREFILL)), policies.prefill());
        decode = new Route(snapshot.pool(model, EnumSet.of(Role.DECODE)), policies.decode());
        anyPairs = new Pairs(snapshot, model, rule, snapshot.quarantined());
        pairs = snapshot.ejected().isEmpty() ? anyPairs : new Pairs(snapshot, model, rule, barred(snapshot));
        Function<Set<Role>, Route> whole =
                roles -> new Route(snapshot.pool(model, roles, rule::servesWhole), policies.whole());
        anyWhole = whole.apply(EVERY_ROLE);
        Route prefilling = whole.apply(EnumSet.of(Role.PREFILL));
        wholeFirst = List.of(whole.apply(EnumSet.of(Role.UNIFIED)), whole.apply(EnumSet.of(Role.DECODE)), prefilling);
        wholeAnywhere = List.of(whole.apply(EnumSet.of(Role.DECODE, Role.UNIFIED)), prefilling);
    }

    /** Whether workers of the model hand anything over at all. */
    boolean handOver() {
        return !handedOver.isEmpty();
    }

    /** Whether they hand prompts of that API over. */
    boolean handOver(ApiKind api) {
        return handedOver.contains(api);
    }

    /** Whether some worker takes requests that are better off in one piece. */
    boolean takesWhole(Set<String> excluded) {
        return wholeFirst.stream().anyMatch(route -> route.open(excluded));
    }

    /** Returns every worker of the model, whatever its role. */
    Route all() {
        return all;
    }

    /** Returns every worker of the model that serves whole requests. */
    Route anyWhole() {
        return anyWhole;
    }

    Route prefill() {
        return prefill;
    }

    Route decode() {
        return decode;
    }

    /** Whether some worker of the model serves whole requests, up or not. */
    boolean serveWhole() {
        return !anyWhole.empty();
    }

    private static Set<WorkerPair> barred(FleetSnapshot snapshot) {
        Set<WorkerPair> barred = new HashSet<>(snapshot.quarantined());
        barred.addAll(snapshot.ejected());
        return barred;
    }

    /** Returns which of them can hand over to each other. */
    Pairs pairs() {
        return pairs;
    }

    /** Returns the same and those whose hand-overs fail: where nobody else is left, trying is better than refusing. */
    Pairs anyPairs() {
        return anyPairs;
    }

    /** Whether a pair may get a request. */
    boolean paired(Set<String> excluded) {
        LoadView decodes = pairs.decodes(decode.load(excluded), prefill.load(excluded));
        return prefill.open(excluded) && new Pool(decode.pool().members(), decodes).anyEligible();
    }

    /** Whether some request can be served, at once or when a worker that is up has less to do. */
    boolean serve(Predicate<Worker> up) {
        Pool prefills = prefill.patient(up);
        Pool decodes = decode.patient(up);
        Pool partners = new Pool(decodes.members(), anyPairs.decodes(decodes.load(), prefills.load()));
        return anyWhole.patient(up).anyEligible() || (handOver() && prefills.anyEligible() && partners.anyEligible());
    }

    /** Returns where whole requests go that are better off in one piece: unified workers before all others. */
    List<Route> wholeFirst() {
        return wholeFirst;
    }

    /** Returns where whole requests go that would have been split: whoever generates before prefill workers. */
    List<Route> wholeAnywhere() {
        return wholeAnywhere;
    }

    /**
     * The policies of one model, which outlive the snapshots.
     *
     * @param prefill policy on the prefill side
     * @param decode policy on the decode side
     * @param whole policy for requests that run in one piece
     */
    record ModelPolicies(RoutingPolicy prefill, RoutingPolicy decode, RoutingPolicy whole) {}
}
