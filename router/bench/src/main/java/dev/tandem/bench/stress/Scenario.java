// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import dev.tandem.bench.stress.field.Ground;
import java.io.IOException;

/** One way to press a gateway hard. Stateless. */
interface Scenario {
    /** Returns its name on the command line. */
    String name();

    /** Returns one sentence. */
    String what();

    /** Runs it, on a ground that is still empty. */
    Outcome run(Ground ground) throws IOException, InterruptedException;
}
