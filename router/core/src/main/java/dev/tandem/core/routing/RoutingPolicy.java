// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing;

import dev.tandem.core.fleet.Membership;

/**
 * A way to choose a worker. State that outlives a membership change lives here; the rest lives in the selector.
 * Thread-safe.
 */
public interface RoutingPolicy {
    /** Returns the name used in configuration, logs and metric tags: lower-case words joined by hyphens. */
    String name();

    /** Prepares this policy for a membership. Called once per change of the fleet, never per request. */
    Selector compile(Membership members);
}
