// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

/** How many exchanges run side by side. */
enum Setting {
    /** One. */
    SINGLE,
    /** Several. */
    LOADED
}
