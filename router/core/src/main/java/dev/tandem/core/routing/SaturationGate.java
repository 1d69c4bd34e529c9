// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing;

import dev.tandem.core.fleet.EngineLoads;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Says which requests may go to an engine now, and which had better wait, because whoever could serve them is saturated
 * or takes no more. Thread-safe.
 */
public final class SaturationGate {
    private final Router router;
    private final EngineLoads loads;

    /** Makes a gate. */
    public SaturationGate(Router router, EngineLoads loads) {
        this.router = router;
        this.loads = loads;
    }

    /** Returns which requests may go now; for one thread, and until one of them goes. */
    public Predicate<RoutingRequest> now() {
        Set<String> saturated = loads.saturated();
        boolean full = loads.full();
        if (saturated.isEmpty() && !full) {
            return request -> true;
        }
        Map<Router.Kind, Boolean> open = new HashMap<>();
        return request -> open.computeIfAbsent(
                router.kind(request),
                kind -> !(full && router.waits(request)) && router.spares(request, Set.of(), saturated));
    }
}
