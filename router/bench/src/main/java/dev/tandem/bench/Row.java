// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** Everything measured for one proxy in one run. Used by one thread. */
final class Row {
    /**
     * One cell in one round.
     *
     * @param cpuMicros Processor time of the proxy per unit of the cell.
     * @param firstByteMicros Median time to the first byte of an answer's body.
     * @param firstByteP99Micros The 99th percentile of the same.
     * @param units Requests or events inside the measured window.
     * @param proxyBusy Processor time of the proxy by wall time, 1 for one full core.
     * @param loadBusy The same for workers and load generator together.
     * @param fault Why the measurement is void; empty when it is not.
     */
    record Measurement(
            double cpuMicros,
            double firstByteMicros,
            double firstByteP99Micros,
            long units,
            double proxyBusy,
            double loadBusy,
            String fault) {}

    /**
     * Memory of a proxy with its descendants, in KiB.
     *
     * @param resident Resident set size; pages shared between its processes count in each.
     * @param proportional Proportional set size; 0 where it cannot be read.
     */
    record Memory(long resident, long proportional) {
        static Memory of(long pid) {
            return new Memory(Procfs.residentKib(pid), Procfs.proportionalKib(pid));
        }
    }

    private final String name;
    private final String version;
    private final Map<Cell, List<Measurement>> measurements = new EnumMap<>(Cell.class);
    private final List<Double> startSeconds = new ArrayList<>();
    private final List<String> faults = new ArrayList<>();
    private double coldMicros = Double.NaN;
    private Memory idle = new Memory(0, 0);
    private Memory streaming = new Memory(0, 0);
    private long bodiesAsSent;
    private long bodiesRewritten;

    Row(String name, String version) {
        this.name = name;
        this.version = version;
    }

    void started(double seconds) {
        startSeconds.add(seconds);
    }

    void idle(Memory memory) {
        idle = memory;
    }

    void streaming(Memory memory) {
        streaming = memory;
    }

    void cold(double micros) {
        coldMicros = micros;
    }

    void measured(Cell cell, Measurement measurement) {
        measurements.computeIfAbsent(cell, key -> new ArrayList<>()).add(measurement);
    }

    /** Adds what a load run saw outside the figures: faults, and whether request bodies arrived as sent. */
    void saw(String phase, Tally tally) {
        bodiesAsSent += tally.bodiesAsSent();
        bodiesRewritten += tally.bodiesRewritten();
        if (!tally.fault().isEmpty()) {
            fault(phase + ": " + tally.fault());
        }
    }

    void fault(String why) {
        faults.add(why);
    }

    String name() {
        return name;
    }

    String version() {
        return version;
    }

    List<String> faults() {
        return List.copyOf(faults);
    }

    Map<Cell, List<Measurement>> measurements() {
        return measurements;
    }

    /** Median seconds from process start to the first answer. */
    double startSeconds() {
        return Samples.median(startSeconds);
    }

    /** Processor time per request over the first requests of the process, in microseconds. */
    double coldMicros() {
        return coldMicros;
    }

    Memory idle() {
        return idle;
    }

    Memory streaming() {
        return streaming;
    }

    /** What the proxy did to request bodies: {@code as sent}, {@code rewritten}, {@code mixed} or {@code not told}. */
    String requestBodies() {
        if (bodiesAsSent + bodiesRewritten == 0) {
            return "not told"; // the proxy keeps the worker's header to itself
        }
        return bodiesRewritten == 0 ? "as sent" : bodiesAsSent == 0 ? "rewritten" : "mixed";
    }

    /** Returns the median over the rounds; NaN when the cell was not measured or any of its rounds is void. */
    double median(Cell cell, ToDoubleFunction<Measurement> figure) {
        List<Measurement> rounds = measurements.getOrDefault(cell, List.of());
        if (voided(cell)) {
            return Double.NaN;
        }
        return Samples.median(rounds.stream().map(figure::applyAsDouble).toList());
    }

    boolean voided(Cell cell) {
        return measurements.getOrDefault(cell, List.of()).stream()
                .anyMatch(round -> !round.fault().isEmpty());
    }
}
