// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing;

import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.request.ApiKind;
import java.util.List;
import java.util.Set;

/** Says what prefill workers can hand over to decode workers. Pure; asked once per change of the fleet. */
@FunctionalInterface
public interface HandoverRule {
    /** Nobody hands anything over: every worker serves whole requests. */
    HandoverRule NEVER = (prefill, decode) -> Set.of();

    /**
     * Returns the APIs whose requests engines of both roles can run together; none when nothing is handed over.
     *
     * @param prefill what the engines of the prefill workers said
     * @param decode what the engines of the decode workers said
     */
    Set<ApiKind> between(List<EngineFacts> prefill, List<EngineFacts> decode);

    /** Whether an engine also serves whole requests. */
    default boolean servesWhole(Role role, EngineFacts engine) {
        return true;
    }

    /**
     * Whether a decode engine can read what a prefill engine computes; if not, the two are never paired.
     *
     * @param prefill what the engine of the prefill worker said
     * @param decode what the engine of the decode worker said
     */
    default boolean pairs(EngineFacts prefill, EngineFacts decode) {
        return true;
    }
}
