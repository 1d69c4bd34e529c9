// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg.connector;

import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.EngineVersion;
import org.jspecify.annotations.Nullable;

/**
 * The releases of vLLM that speak a protocol. Immutable. An engine whose version is not known, or is not certainly on
 * the wrong side, passes.
 *
 * @param what what the other releases do not have
 * @param from first release 0.x that has it
 * @param until first release 0.x that has it no more
 */
record Releases(String what, int from, int until) {
    static Releases from(int minor, String what) {
        return new Releases(what, minor, Integer.MAX_VALUE);
    }

    static Releases before(int minor, String what) {
        return new Releases(what, 0, minor);
    }

    /** Returns why an engine does not speak the protocol and what to do, or null. */
    @Nullable
    String lacking(EngineFacts facts) {
        EngineVersion version = facts.version();
        if (version == null) {
            return null;
        }
        if (version.before(0, from)) {
            return "vLLM " + version.text() + " has no " + what + " yet: run 0." + from
                    + " or later, or choose another connector";
        }
        return version.atLeast(0, until)
                ? "vLLM " + version.text() + " has no " + what + " any more: run one before 0." + until
                        + ", or choose another connector, such as nixl"
                : null;
    }
}
