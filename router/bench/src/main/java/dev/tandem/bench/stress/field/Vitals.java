// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import dev.tandem.bench.Procfs;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;

/** What a process holds, once a second, as long as this is open. Thread-safe. */
public final class Vitals implements AutoCloseable {
    private static final long EVERY_MILLIS = 1_000;

    private final long pid;
    private final List<Sample> samples = new ArrayList<>();
    private final Thread reader;
    private final long began = System.nanoTime();

    /**
     * What a process holds.
     *
     * @param seconds Since the beginning.
     * @param residentKib Resident memory.
     * @param descriptors Open file descriptors.
     * @param threads Threads.
     */
    public record Sample(double seconds, long residentKib, long descriptors, long threads) {}

    private Vitals(long pid) {
        this.pid = pid;
        this.reader = Thread.ofPlatform().daemon().name("vitals").unstarted(this::read);
    }

    static Vitals of(long pid) {
        Vitals vitals = new Vitals(pid);
        vitals.sample();
        vitals.reader.start();
        return vitals;
    }

    public synchronized List<Sample> samples() {
        return List.copyOf(samples);
    }

    public long most(ToLongFunction<Sample> what) {
        return samples().stream().mapToLong(what).max().orElse(0);
    }

    private void read() {
        try {
            while (true) {
                Thread.sleep(EVERY_MILLIS);
                sample();
            }
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        }
    }

    /** Returns what it holds now. */
    public synchronized Sample sample() {
        Sample now = new Sample(
                (System.nanoTime() - began) / 1e9,
                Procfs.residentKib(pid),
                Procfs.descriptors(pid),
                Procfs.threads(pid));
        samples.add(now);
        return now;
    }

    @Override
    public void close() {
        reader.interrupt();
        sample();
    }
}
