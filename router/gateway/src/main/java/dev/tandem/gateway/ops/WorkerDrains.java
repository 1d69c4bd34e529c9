// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.ops;

import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.Worker;
import java.util.List;

/**
 * Takes workers out of service and puts them back, for an operator: a draining worker finishes what it has and gets
 * nothing new. Thread-safe.
 *
 * @param fleet the fleet
 */
public record WorkerDrains(Fleet fleet) {
    /** Begins to drain a worker; repeating it changes nothing. */
    Page begin(String id) {
        return set(id, true);
    }

    /** Puts a worker back. */
    Page end(String id) {
        return set(id, false);
    }

    private Page set(String id, boolean draining) {
        List<String> meant = fleet.workers().stream()
                .map(Worker::id)
                .filter(known -> known.equals(id) || known.startsWith(id + "@"))
                .toList();
        if (meant.isEmpty()) {
            return Page.json(404, "{\"error\":{\"message\":\"no worker has this id\",\"code\":\"unknown_worker\"}}");
        }
        meant.forEach(worker -> fleet.drain(worker, draining));
        return Page.json(200, "{\"id\":\"" + id + "\",\"draining\":" + draining + "}");
    }
}
