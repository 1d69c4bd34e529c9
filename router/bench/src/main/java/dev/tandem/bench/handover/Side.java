// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import java.util.Locale;

/** What an engine is to the gateway. */
enum Side {
    /** It computes prompts. */
    PREFILL,
    /** It answers. */
    DECODE,
    /** It does both. */
    UNIFIED;

    /** Returns the name in the gateway's settings. */
    String tag() {
        return name().toLowerCase(Locale.ROOT);
    }
}
