// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.trial;

import dev.tandem.core.disagg.KvConnector;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.fleet.WorkerPair;
import dev.tandem.core.fleet.WorkerStatus;

/**
 * Two workers that are up and can hand over to each other, as they are now. Immutable; another one when an engine has
 * become another.
 *
 * @param prefill the prefill worker
 * @param decode the decode worker
 * @param connector the protocol between them
 * @param model a model that both serve
 * @param engines which engines run on both
 */
record TrialPair(Worker prefill, Worker decode, KvConnector connector, String model, Engines engines) {
    WorkerPair key() {
        return new WorkerPair(prefill.id(), decode.id());
    }

    /** The engines of a pair. */
    record Engines(Engine prefill, Engine decode) {}

    /**
     * What runs on a worker.
     *
     * @param facts what it says
     * @param starts how often the worker has come up
     */
    record Engine(EngineFacts facts, int starts) {
        static Engine of(WorkerStatus status) {
            return new Engine(status.facts(), status.starts());
        }
    }
}
