// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

import dev.tandem.core.fleet.Worker;
import dev.tandem.core.request.ApiKind;
import java.util.Map;

/**
 * One HTTP exchange with one worker. Immutable.
 *
 * @param worker who is asked
 * @param api which of its APIs; the path is a constant of it
 * @param headers headers that the engines of the protocol read, by their lower-case names; they win over all others
 * @param body what this leg changes in the client's body
 */
public record Leg(Worker worker, ApiKind api, Map<String, String> headers, BodyEdits body) {
    /** Name of the header that names the request. */
    public static final String REQUEST_ID = "x-request-id";

    /** Copies the headers. */
    public Leg {
        headers = Map.copyOf(headers);
    }

    /** Makes a leg without headers of its own. */
    public Leg(Worker worker, ApiKind api, BodyEdits body) {
        this(worker, api, Map.of(), body);
    }

    /** Returns this leg with further edits behind its own. */
    public Leg with(BodyEdits.Edit... more) {
        return new Leg(worker, api, headers, body.and(more));
    }

    /** Returns this leg with edits that its own come behind. */
    public Leg upon(BodyEdits earlier) {
        return new Leg(worker, api, headers, earlier.and(body.edits().toArray(BodyEdits.Edit[]::new)));
    }

    /** Returns this leg with the id under which its engine is to know the request. */
    public Leg named(String requestId) {
        return new Leg(worker, api, Map.of(REQUEST_ID, requestId), body);
    }
}
