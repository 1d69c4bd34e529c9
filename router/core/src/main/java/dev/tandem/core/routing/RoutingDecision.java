// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.fleet.Worker;

/** Where one attempt of a request goes. */
public sealed interface RoutingDecision {
    /** Returns why. */
    Rationale why();

    /** One worker runs both phases. */
    record Unified(Worker worker, Rationale why) implements RoutingDecision {}

    /** One worker computes the KV cache, another generates. */
    record Disaggregated(Worker prefill, Worker decode, Rationale why) implements RoutingDecision {}

    /** Nobody can take it. */
    record Unroutable(Failure failure, Rationale why) implements RoutingDecision {}
}
