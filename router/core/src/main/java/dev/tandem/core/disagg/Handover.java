// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

import dev.tandem.core.fleet.Worker;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What must happen between the prefill worker's answer and the decode leg. */
public sealed interface Handover {
    /** Nothing: the decode worker finds the KV cache by the content of the prompt. */
    record ByContent() implements Handover {}

    /**
     * Nothing: when the prefill worker answers, it has sent the KV cache to the decode worker, which keeps it until it
     * has run the decode leg.
     */
    record Pushed() implements Handover {}

    /**
     * A field of the prefill answer is passed on whole, as it came, to one decode leg. The prefill worker holds the KV
     * cache until the decode worker has read it.
     *
     * @param field top-level field of the prefill answer and of the decode leg
     * @param required keys that the field's object must have, with a value that is neither null nor empty; without one
     *     of them nothing is passed on and the decode worker computes the prompt itself
     * @param ours keys of that object whose values the router knows better, each with its JSON
     * @param copied top-level fields of the prefill answer that the object takes up, too, if they are lists
     */
    record Carried(String field, List<String> required, Map<String, String> ours, List<String> copied)
            implements Handover {
        /** Copies the collections; the keys keep their order. */
        public Carried {
            required = List.copyOf(required);
            ours = Collections.unmodifiableMap(new LinkedHashMap<>(ours));
            copied = List.copyOf(copied);
        }

        /** Carries the object without anything from around it. */
        public Carried(String field, List<String> required, Map<String, String> ours) {
            this(field, required, ours, List.of());
        }
    }

    /**
     * Notices of engines that the KV cache is where the decode worker finds it. When they do not come in time decode
     * starts anyway, and computes what it does not find.
     *
     * @param key part of the id by which the notices name the request
     * @param count how many must come; 0 when the notices say how many there are
     * @param patience longest wait after the prefill answer
     */
    record Notified(String key, int count, Duration patience) implements Handover {}

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
