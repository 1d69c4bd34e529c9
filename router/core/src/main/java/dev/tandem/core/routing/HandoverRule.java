// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing;

import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.request.ApiKind;
import java.util.List;
import java.util.Set;

/** Says for which APIs prefill workers can hand KV caches over to decode workers. Pure; asked once per change. */
@FunctionalInterface
public interface HandoverRule {
    /** Nobody hands anything over: every worker serves whole requests. */
    HandoverRule NEVER = (prefill, decode) -> Set.of();

    /**
     * Returns the APIs whose requests may run on two workers, none when every worker serves whole requests.
     *
     * @param prefill what the engines of the prefill workers said
     * @param decode what the engines of the decode workers said
     */
    Set<ApiKind> apis(List<EngineFacts> prefill, List<EngineFacts> decode);
}
