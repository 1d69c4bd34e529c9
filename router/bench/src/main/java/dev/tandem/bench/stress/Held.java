// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import dev.tandem.bench.stress.field.Field;
import dev.tandem.bench.stress.field.Meters;
import dev.tandem.bench.stress.field.Vitals;
import java.io.IOException;
import java.util.Locale;

/**
 * What a gateway holds once it has collected its garbage. Immutable.
 *
 * @param seconds Since its start.
 * @param heapMib Objects on the heap.
 * @param directMib Direct memory of Netty's buffers.
 * @param residentMib Resident memory.
 * @param descriptors Open file descriptors.
 * @param threads Threads.
 */
record Held(double seconds, double heapMib, double directMib, double residentMib, double descriptors, double threads) {
    private static final double MIB = 1 << 20;

    static Held by(Field field) throws IOException, InterruptedException {
        field.gateway().collect();
        String page = field.meters().page();
        Vitals.Sample sample = field.vitals().sample();
        return new Held(
                sample.seconds(),
                Meters.sum(page, "jvm_gc_live_data_size_bytes", "") / MIB,
                directMib(page),
                sample.residentKib() / 1024.0,
                sample.descriptors(),
                sample.threads());
    }

    /** Returns the direct memory of Netty's buffers that a page of meters tells. */
    static double directMib(String page) {
        return Meters.sum(page, "netty_allocator_memory_used", "memory_type=\"direct\"") / MIB;
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "heap %.1f MiB, direct %.1f MiB, resident %.0f MiB, %.0f descriptors, %.0f threads",
                heapMib,
                directMib,
                residentMib,
                descriptors,
                threads);
    }
}
