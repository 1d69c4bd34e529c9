// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import dev.tandem.bench.Machine;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A process that answers as clients wish, as one worker or as several. Used by one thread; departures by any. */
public final class Engine implements AutoCloseable {
    private static final long PAUSE_MILLIS = 50;

    private final String model;
    private final int slots;
    private final Departures gone = new Departures();
    private List<Integer> ports;
    private Process process;

    private Engine(String model, int slots, List<Integer> ports) throws IOException {
        this.model = model;
        this.slots = slots;
        this.process = launched(ports);
        this.ports = portsOf(process);
    }

    /**
     * Starts a process and returns when it listens.
     *
     * @param model Model that it serves.
     * @param slots Pieces of work that it does at a time.
     * @param workers How many workers it is.
     */
    static Engine start(String model, int slots, int workers) throws IOException {
        return new Engine(model, slots, Stream.generate(() -> 0).limit(workers).toList());
    }

    /** Returns the port of each worker. */
    public List<Integer> ports() {
        return ports;
    }

    /** Returns when peers of its slow streams have left. */
    public Departures gone() {
        return gone;
    }

    /** Returns how many slow streams it works on, once it has had the time to end those whose client has left. */
    public int open(Duration patience) throws IOException, InterruptedException {
        long end = System.nanoTime() + patience.toNanos();
        int open = open();
        while (open > 0 && System.nanoTime() < end) {
            Thread.sleep(PAUSE_MILLIS);
            open = open();
        }
        return open;
    }

    /** Kills the process and returns when it has gone. */
    public void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    /** Starts a killed process again, on the same ports, and returns when it listens. */
    public void revive() throws IOException {
        process = launched(ports);
        ports = portsOf(process);
    }

    @Override
    public void close() {
        process.destroy();
    }

    private int open() throws IOException {
        try (Caller caller = Caller.open(ports.getFirst())) {
            return Integer.parseInt(caller.ask("GET", StressEngine.OPEN).body());
        }
    }

    private Process launched(List<Integer> wanted) throws IOException {
        String list = wanted.stream().map(String::valueOf).collect(Collectors.joining(","));
        return Machine.start(
                StressEngine.class, List.of("--model", model, "--slots", Integer.toString(slots), "--ports", list));
    }

    /** Waits for its first line and lets a thread read the others. */
    private List<Integer> portsOf(Process started) throws IOException {
        BufferedReader told = started.inputReader(StandardCharsets.UTF_8);
        String line = told.readLine();
        if (line == null || !line.startsWith(StressEngine.PORTS)) {
            throw new IOException("the engine did not start: " + line);
        }
        Thread.ofPlatform().daemon().start(() -> listen(told));
        return Stream.of(line.substring(StressEngine.PORTS.length()).split(" ", -1))
                .map(Integer::valueOf)
                .toList();
    }

    private void listen(BufferedReader told) {
        told.lines().filter(line -> line.startsWith(StressEngine.GONE)).forEach(line -> {
            String[] words = line.split(" ", -1);
            gone.note(Integer.parseInt(words[1]), Long.parseLong(words[2]));
        });
    }
}
