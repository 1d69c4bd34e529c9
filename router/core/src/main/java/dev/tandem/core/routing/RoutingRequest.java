// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing;

import dev.tandem.core.prefix.Fingerprint;
import dev.tandem.core.request.ApiKind;
import org.jspecify.annotations.Nullable;

/**
 * What a routing decision may look at. Immutable.
 *
 * @param api the API that was called
 * @param model the served model that the request names, or null when it names none
 * @param fingerprint prefix of the prompt
 * @param promptTokens estimated prompt tokens, at least 0
 * @param session key of the client's session, or null when it sent none
 * @param splittable whether prefill and decode may run on two workers
 */
public record RoutingRequest(
        ApiKind api,
        @Nullable String model,
        Fingerprint fingerprint,
        int promptTokens,
        @Nullable String session,
        boolean splittable) {
    /** Returns this request, to be run on one worker. */
    public RoutingRequest whole() {
        return new RoutingRequest(api, model, fingerprint, promptTokens, session, false);
    }
}
