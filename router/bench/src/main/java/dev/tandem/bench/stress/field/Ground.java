// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import dev.tandem.bench.TandemOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** Starts what a scenario needs, and ends it all when it is closed. Used by one thread. */
public final class Ground implements AutoCloseable {
    private static final String WORKERS = "--tandem.workers[";

    private final TandemOptions tandem;
    private final String cores;
    private final Path folder;
    private final Deque<Runnable> running = new ArrayDeque<>();
    private List<String> lastSettings = List.of();

    /**
     * Makes one.
     *
     * @param tandem How gateways are started.
     * @param cores Their cores.
     * @param folder For their files.
     */
    public Ground(TandemOptions tandem, String cores, Path folder) {
        this.tandem = tandem;
        this.cores = cores;
        this.folder = folder;
    }

    /** Starts an engine that does what most wishes ask for; see {@link Engine#start}. */
    public Engine engine(int slots, int workers) throws IOException {
        return engine(Wish.USUAL, slots, workers);
    }

    /** Starts an engine for floods. */
    public Engine floodingEngine() throws IOException {
        return engine(Wish.FLOODING, 1, 1);
    }

    private Engine engine(String model, int slots, int workers) throws IOException {
        Engine engine = Engine.start(model, slots, workers);
        running.push(engine::close);
        return engine;
    }

    /** Starts simulated engines, so many of each role. */
    public SimulatedFleet fleet(int each) throws IOException {
        SimulatedFleet fleet = SimulatedFleet.start(each);
        running.push(fleet::close);
        return fleet;
    }

    /** Starts a gateway with these settings, besides some that let it bear much. */
    public Gateway gateway(List<String> settings) throws IOException {
        List<String> all = new ArrayList<>(List.of(
                "--tandem.disagg.canary.enabled=false",
                "--tandem.edge.max-connections=16384",
                "--tandem.admission.max-running=16384",
                "--tandem.engine.max-connections=16384"));
        for (String more : settings) {
            String name = more.substring(0, more.indexOf('=') + 1);
            all.removeIf(usual -> usual.startsWith(name));
            all.add(more);
        }
        lastSettings =
                all.stream().filter(setting -> !setting.startsWith(WORKERS)).toList();
        Gateway gateway = Gateway.start(tandem, all, Files.createTempDirectory(folder, "gateway"), cores);
        running.push(gateway::close);
        return gateway;
    }

    /** Starts a gateway in front of these engines. */
    public Field field(List<Engine> engines, List<String> settings) throws IOException {
        List<String> all = new ArrayList<>(settings);
        int number = 0;
        for (Engine engine : engines) {
            for (int port : engine.ports()) {
                all.addAll(worker(number, "w" + number, port, "unified"));
                number++;
            }
        }
        return new Field(gateway(all), engines);
    }

    /** Returns the settings of a worker. */
    public static List<String> worker(int index, String id, int port, String role) {
        String name = WORKERS + index + "].";
        return List.of(name + "id=" + id, name + "url=http://127.0.0.1:" + port, name + "role=" + role);
    }

    /** Returns the settings of the last gateway, but for its workers. */
    public List<String> settings() {
        return lastSettings;
    }

    /** Ends what has been started, the last first. */
    @Override
    public void close() {
        running.forEach(Runnable::run);
        running.clear();
    }
}
