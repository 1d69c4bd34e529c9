// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import java.util.Locale;

/** Why a sequence ended. */
public enum Finish {
    /** The model ended its answer, or a stop string or stop token was met. */
    STOP,
    /** The token limit or the context length was reached. */
    LENGTH,
    /** The client left. */
    ABORT,
    /** The engine failed. */
    ERROR;

    /** Returns the name that vLLM uses on the wire. */
    public String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }
}
