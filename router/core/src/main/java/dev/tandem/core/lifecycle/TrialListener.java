// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.lifecycle;

import dev.tandem.core.fleet.WorkerPair;

/** Learns how trials of pairs ended. Thread-safe, fast, never blocking, never throwing. */
@FunctionalInterface
public interface TrialListener {
    /** A trial has ended. */
    void onTrial(String connector, WorkerPair pair, Finding finding);

    /** What a trial has found. */
    enum Finding {
        /** The pair answers as an engine alone does, or as other pairs do. */
        EQUAL,
        /** The pair answers something else. */
        DIFFERENT,
        /** The pair and another one answer different things, and nobody is there to say which of them is right. */
        UNDECIDED,
        /** The pair answers, and there is no engine to compare it with. */
        WARMED,
        /** The trial has not come to its end, or nothing was handed over: nothing is known. */
        FAILED
    }
}
