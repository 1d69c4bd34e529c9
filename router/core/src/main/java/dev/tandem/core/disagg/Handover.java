// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

import dev.tandem.core.fleet.Worker;
import java.time.Duration;
import java.util.List;

/** What must happen between the prefill worker's answer and the decode leg. */
public sealed interface Handover {
    /** Nothing: the decode worker finds the KV cache by the content of the prompt. */
    record ByContent() implements Handover {}

    /**
     * A field of the prefill answer is passed on whole, as it came, to one decode leg. The prefill worker holds the KV
     * cache until the decode worker has read it.
     *
     * @param field top-level field of the prefill answer and of the decode leg
     * @param required keys that the field's object must have, with a value that is neither null nor empty; without one
     *     of them nothing is passed on and the decode worker computes the prompt itself
     */
    record Carried(String field, List<String> required) implements Handover {
        /** Copies the list. */
        public Carried {
            required = List.copyOf(required);
        }
    }

    /**
     * Calls that the router makes, one after the other; when one fails the decode worker computes the prompt itself.
     *
     * @param calls the calls in their order, at least one
     * @param within longest time for all of them
     */
    record Calls(List<ControlCall> calls, Duration within) implements Handover {
        /** Copies the list. */
        public Calls {
            calls = List.copyOf(calls);
        }
    }

    /**
     * A POST to an engine that moves no tokens through the router.
     *
     * @param worker who is called
     * @param path path and query, of constants and numbers only
     * @param json the body
     * @param moved field of the answer that says how many tokens were moved; every call must say the same
     */
    record ControlCall(Worker worker, String path, String json, String moved) {}
}
