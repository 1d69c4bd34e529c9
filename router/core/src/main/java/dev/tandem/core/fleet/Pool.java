// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

/**
 * Workers among which a policy chooses, with their live load. The two share their slots. Thread-safe.
 *
 * @param members the workers
 * @param load load and health of the same slots, as they are when asked
 */
public record Pool(Membership members, LoadView load) {
    /** Whether some worker may get a request now. */
    public boolean anyEligible() {
        for (int slot = 0; slot < members.size(); slot++) {
            if (load.eligible(slot)) {
                return true;
            }
        }
        return false;
    }
}
