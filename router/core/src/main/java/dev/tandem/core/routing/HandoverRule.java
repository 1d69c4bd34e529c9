// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing;

import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.request.ApiKind;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** Says what prefill workers can hand over to decode workers. Pure; asked once per change of the fleet. */
@FunctionalInterface
public interface HandoverRule {
    /** Nobody hands anything over: every worker serves whole requests. */
    HandoverRule NEVER = (prefill, decode) -> Terms.NOTHING;

    /**
     * Returns what engines of both roles can do together.
     *
     * @param prefill what the engines of the prefill workers said
     * @param decode what the engines of the decode workers said
     */
    Terms between(List<EngineFacts> prefill, List<EngineFacts> decode);

    /**
     * Whether a decode engine can read what a prefill engine computes; if not, the two are never paired.
     *
     * @param prefill what the engine of the prefill worker said
     * @param decode what the engine of the decode worker said
     */
    default boolean pairs(EngineFacts prefill, EngineFacts decode) {
        return true;
    }

    /**
     * What two roles can do together. Immutable.
     *
     * @param apis the APIs whose requests may run on two workers; none when every worker serves whole requests
     * @param whole roles of workers that also serve whole requests; unified ones always do
     */
    record Terms(Set<ApiKind> apis, Set<Role> whole) {
        /** Nothing is handed over. */
        public static final Terms NOTHING = new Terms(Set.of(), EnumSet.allOf(Role.class));

        /** Copies the sets. */
        public Terms {
            apis = Set.copyOf(apis);
            whole = Set.copyOf(whole);
        }
    }
}
