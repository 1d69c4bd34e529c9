// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing;

import dev.tandem.core.fleet.LoadView;

/** A policy compiled for one membership. Safe for concurrent use; never blocks; allocates nothing per call. */
@FunctionalInterface
public interface Selector {
    /** No eligible worker. */
    int NONE = -1;

    /** Returns the slot of the chosen worker, or {@link #NONE}. */
    int select(RoutingRequest request, LoadView load);
}
