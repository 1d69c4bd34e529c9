// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

import dev.tandem.core.fleet.Worker;
import dev.tandem.core.request.ApiKind;

/**
 * One HTTP exchange with one worker. Immutable.
 *
 * @param worker who is asked
 * @param api which of its APIs; the path is a constant of it
 * @param body what this leg changes in the client's body
 */
public record Leg(Worker worker, ApiKind api, BodyEdits body) {
    /** Returns this leg with further edits behind its own. */
    public Leg with(BodyEdits.Edit... more) {
        return new Leg(worker, api, body.and(more));
    }
}
