// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import java.util.List;

/** One way to press a gateway hard. Stateless. */
interface Scenario {
    /** Returns its name on the command line. */
    String name();

    /** Returns one sentence. */
    String what();

    /** Returns arguments of the gateway besides the usual ones. */
    default List<String> settings() {
        return List.of();
    }

    /** Returns pieces of work that the engine does at a time. */
    default int slots() {
        return 16;
    }

    /** Runs it, in front of a gateway and an engine that have just started. */
    Outcome run(Field field) throws InterruptedException;
}
