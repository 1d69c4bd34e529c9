// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.time;

/** A source of monotonic time. Thread-safe; the simulator supplies a virtual one. */
@FunctionalInterface
public interface Ticker {
    /** Reads the time of the machine. */
    Ticker SYSTEM = System::nanoTime;

    /** Returns nanoseconds since an arbitrary origin; only differences mean something. */
    long nanoTime();
}
