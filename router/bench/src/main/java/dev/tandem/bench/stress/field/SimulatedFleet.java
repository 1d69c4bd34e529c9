// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import dev.tandem.bench.Machine;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Simulated engines that hand over by NIXL, in a process of their own. Used by one thread. */
public final class SimulatedFleet implements AutoCloseable {
    private final Process process;
    private final BufferedReader told;
    private final BufferedWriter orders;
    private final List<Integer> ports;
    private final int each;

    private SimulatedFleet(int each) throws IOException {
        this.each = each;
        process = Machine.start(FleetProcess.class, List.of("--each", Integer.toString(each)));
        told = process.inputReader(StandardCharsets.UTF_8);
        orders = process.outputWriter(StandardCharsets.UTF_8);
        ports = Stream.of(line().substring(StressEngine.PORTS.length()).split(" ", -1))
                .map(Integer::valueOf)
                .toList();
    }

    static SimulatedFleet start(int each) throws IOException {
        return new SimulatedFleet(each);
    }

    /** Returns the ids of the engines: p0, p1 and so on for prefill, d0 and so on for decode. */
    public List<String> ids() {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < ports.size(); i++) {
            ids.add(i < each ? "p" + i : "d" + (i - each));
        }
        return ids;
    }

    /** Returns the settings of a gateway that has them as workers. */
    public List<String> settings() {
        List<String> settings = new ArrayList<>(List.of("--tandem.disagg.connector=nixl"));
        List<String> ids = ids();
        for (int i = 0; i < ports.size(); i++) {
            settings.addAll(Ground.worker(i, ids.get(i), ports.get(i), i < each ? "prefill" : "decode"));
        }
        return settings;
    }

    /** Lets an engine die and come back a second later, and returns when it listens again. */
    public void restart(String id) throws IOException {
        ask(FleetProcess.RESTART + ids().indexOf(id));
    }

    /** Returns what they have been asked for. */
    public Ledger ledger() throws IOException {
        return Ledger.parse(ask(FleetProcess.LEDGER));
    }

    private String ask(String order) throws IOException {
        orders.write(order + "\n");
        orders.flush();
        return line();
    }

    private String line() throws IOException {
        String line = told.readLine();
        if (line == null) {
            throw new IOException("the simulated engines have ended");
        }
        return line;
    }

    @Override
    public void close() {
        process.destroy();
    }
}
