// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * One run: starts every proxy, warms each one up, measures all cells in rounds with rotating order, then the memory.
 * Used by one thread.
 *
 * <p>All proxies stay alive to the end, so that a round compares them within seconds of each other; those that are not
 * being measured only answer or ask health checks.
 */
final class Comparison {
    /**
     * How long and how much.
     *
     * @param rounds Times that each cell is measured for each proxy.
     * @param window Measured part of each measurement.
     * @param ramp Unmeasured load right before the window.
     * @param warmupRequests Requests of 1 KB to each proxy before the first round.
     * @param connections Connections at saturation.
     * @param perSecond Requests per second of the low rate.
     * @param starts Starts of each proxy for the time to the first answer.
     * @param streams Open streams of the memory figure.
     * @param workerPort A fake worker, for the figures without a proxy.
     * @param proxyCpus Cores of the proxies, as {@code taskset -c} takes them; empty for no pinning.
     */
    record Settings(
            int rounds,
            Duration window,
            Duration ramp,
            int warmupRequests,
            int connections,
            int perSecond,
            int starts,
            int streams,
            int workerPort,
            String proxyCpus) {}

    private static final int COLD_REQUESTS = 1_000;
    private static final int LOW_RATE_CONNECTIONS = 16;
    private static final Duration DRAIN_LIMIT = Duration.ofSeconds(30);
    private static final Duration WARMUP_LIMIT = Duration.ofSeconds(90);
    private static final Duration SETTLE = Duration.ofSeconds(2);

    /** Streams whose memory is looked at: an event each second, longer than the look takes. */
    private static final Shape HELD = new Shape(1_024, 200, 1_000_000);

    private final Settings settings;
    private final EventLoopGroup loop;
    private final ProcessHandle workers;
    private final Path directory;
    private final PrintStream progress;
    private final Map<ProxyProcess, Row> running = new LinkedHashMap<>();
    private final List<Row> rows = new ArrayList<>();

    Comparison(Settings settings, EventLoopGroup loop, ProcessHandle workers, Path directory, PrintStream progress) {
        this.settings = settings;
        this.loop = loop;
        this.workers = workers;
        this.directory = directory;
        this.progress = progress;
    }

    /** Measures all proxies, and the workers without a proxy; a proxy that does not start becomes a row of faults. */
    List<Row> run(List<ProxyProcess.Spec> specs, List<Cell> cells) throws IOException {
        Row direct = new Row(Report.DIRECT, "");
        rows.add(direct);
        try {
            for (ProxyProcess.Spec spec : specs) {
                start(spec);
            }
            progress.println("warm-up");
            warm(settings.workerPort(), direct);
            running.forEach(this::warm);
            for (int round = 0; round < settings.rounds(); round++) {
                for (int i = 0; i < cells.size(); i++) {
                    round(round, round + i, cells.get(i), direct);
                }
            }
            running.forEach(this::holdStreams);
        } finally {
            running.keySet().forEach(ProxyProcess::close);
        }
        return List.copyOf(rows);
    }

    private void start(ProxyProcess.Spec spec) throws IOException {
        progress.println("start " + spec.name() + " " + spec.version());
        Row row = new Row(spec.name(), spec.version());
        rows.add(row);
        try {
            for (int i = 0; i < settings.starts(); i++) {
                Path own = Files.createDirectories(directory.resolve(spec.port() + "-" + i));
                ProxyProcess process = ProxyProcess.start(spec, own, settings.proxyCpus());
                row.started(process.startSeconds());
                if (i + 1 < settings.starts()) {
                    process.close();
                } else {
                    running.put(process, row);
                    pause(SETTLE);
                    row.idle(Row.Memory.of(process.pid()));
                }
            }
        } catch (IOException e) {
            row.fault("start: " + e.getMessage());
            progress.println("  " + e.getMessage());
        }
    }

    private void warm(ProxyProcess proxy, Row row) {
        long before = Procfs.cpuMicros(proxy.pid());
        long answered = requests(proxy.spec().port(), Cell.REQUEST_1K.shape(), COLD_REQUESTS, row);
        row.cold((double) (Procfs.cpuMicros(proxy.pid()) - before) / Math.max(1, answered));
        warm(proxy.spec().port(), row);
        if (proxy.spec().cells().contains(Cell.EXCHANGE)) {
            requests(proxy.spec().port(), Cell.EXCHANGE.shape(), settings.warmupRequests() / 2, row);
        }
    }

    private void warm(int port, Row row) {
        int most = settings.warmupRequests();
        requests(port, Cell.REQUEST_1K.shape(), most, row);
        requests(port, Cell.EVENT_UNPACED.shape(), most / 20, row);
        requests(port, Cell.REQUEST_128K.shape(), most / 40, row);
        requests(port, Cell.REQUEST_1M.shape(), most / 400, row);
    }

    private long requests(int port, Shape shape, int most, Row row) {
        if (most == 0) {
            return 0;
        }
        Load.Demand demand = new Load.Demand(port, Math.min(most, settings.connections()), 0, most);
        try (Load load = Load.start(loop, shape, demand)) {
            waitFor(load::finished, WARMUP_LIMIT);
            load.stop();
            waitFor(load::finished, DRAIN_LIMIT);
            Tally tally = load.tally();
            row.saw("warm-up", tally);
            return tally.answered();
        }
    }

    private void round(int round, int turn, Cell cell, Row direct) {
        List<ProxyProcess> order = new ArrayList<>(running.keySet());
        if (!order.isEmpty()) {
            Collections.rotate(order, turn);
        }
        if (cell.lowRate()) {
            direct.measured(cell, measure(null, settings.workerPort(), cell, direct));
        }
        for (ProxyProcess proxy : order) {
            if (proxy.spec().cells().contains(cell)) {
                Row row = java.util.Objects.requireNonNull(running.get(proxy));
                Row.Measurement measurement = measure(proxy, proxy.spec().port(), cell, row);
                row.measured(cell, measurement);
                progress.printf(
                        java.util.Locale.ROOT,
                        "round %d %-18s %-26s %9.1f us, first byte %8.0f us, proxy %3.0f %%, load %3.0f %% %s%n",
                        round + 1,
                        cell,
                        row.name(),
                        measurement.cpuMicros(),
                        measurement.firstByteMicros(),
                        100 * measurement.proxyBusy(),
                        100 * measurement.loadBusy(),
                        measurement.fault());
            }
        }
    }

    private Row.Measurement measure(
            @org.jspecify.annotations.Nullable ProxyProcess proxy, int port, Cell cell, Row row) {
        Load.Demand demand = cell.lowRate()
                ? new Load.Demand(port, LOW_RATE_CONNECTIONS, settings.perSecond(), 0)
                : Load.Demand.closedLoop(port, settings.connections());
        try (Load load = Load.start(loop, cell.shape(), demand)) {
            pause(settings.ramp());
            Snapshot before = Snapshot.take(load, proxy, workers);
            pause(settings.window());
            Snapshot after = Snapshot.take(load, proxy, workers);
            load.stop();
            boolean drained = waitFor(load::finished, DRAIN_LIMIT);
            Tally end = load.tally();
            row.saw(cell.toString(), end);
            String fault = drained ? end.fault() : load.outstanding() + " requests without an end";
            if (!drained) {
                row.fault(cell + ": " + fault);
            }
            return after.since(before, cell, fault);
        }
    }

    private void holdStreams(ProxyProcess proxy, Row row) {
        if (settings.streams() == 0 || !proxy.alive()) {
            return;
        }
        progress.println("open " + settings.streams() + " streams: " + row.name());
        Load.Demand demand = new Load.Demand(proxy.spec().port(), settings.streams(), 0, settings.streams());
        try (Load load = Load.start(loop, HELD, demand)) {
            boolean open = waitFor(() -> load.tally().firstByteNanos().size() >= settings.streams(), DRAIN_LIMIT);
            pause(SETTLE);
            row.streaming(Row.Memory.of(proxy.pid()));
            row.saw("open streams", load.tally());
            if (!open || load.outstanding() < settings.streams()) {
                row.fault("open streams: " + load.outstanding() + " of " + settings.streams() + " open");
            }
        }
        pause(SETTLE);
    }

    private static boolean waitFor(BooleanSupplier done, Duration limit) {
        long until = System.nanoTime() + limit.toNanos();
        while (!done.getAsBoolean()) {
            if (System.nanoTime() > until) {
                return false;
            }
            pause(Duration.ofMillis(20));
        }
        return true;
    }

    private static void pause(Duration time) {
        long until = System.nanoTime() + time.toNanos();
        for (long left = time.toNanos(); left > 0; left = until - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    /**
     * Counters at one moment.
     *
     * @param nanos Time of reading.
     * @param proxyMicros Processor time of the proxy.
     * @param loadMicros Processor time of the workers and of this process.
     * @param tally Counts of the load.
     */
    private record Snapshot(long nanos, long proxyMicros, long loadMicros, Tally tally) {
        static Snapshot take(Load load, @org.jspecify.annotations.Nullable ProxyProcess proxy, ProcessHandle workers) {
            Tally tally = load.tally();
            long proxyMicros = proxy == null ? 0 : Procfs.cpuMicros(proxy.pid());
            return new Snapshot(
                    System.nanoTime(), proxyMicros, ownMicros(workers) + ownMicros(ProcessHandle.current()), tally);
        }

        private static long ownMicros(ProcessHandle process) {
            return TimeUnit.NANOSECONDS.toMicros(
                    process.info().totalCpuDuration().orElse(Duration.ZERO).toNanos());
        }

        Row.Measurement since(Snapshot start, Cell cell, String fault) {
            double micros = (nanos - start.nanos) / 1e3;
            long units = switch (cell.unit()) {
                case REQUEST -> tally.answered() - start.tally.answered();
                case EVENT -> tally.events() - start.tally.events();
            };
            double cpu = proxyMicros - start.proxyMicros;
            Samples firstBytes =
                    tally.firstByteNanos().after(start.tally.firstByteNanos().size());
            return new Row.Measurement(
                    units == 0 ? Double.NaN : cpu / units,
                    firstBytes.quantile(0.5) / 1e3,
                    firstBytes.quantile(0.99) / 1e3,
                    units,
                    cpu / micros,
                    (loadMicros - start.loadMicros) / micros,
                    units == 0 && fault.isEmpty() ? "no answer in the window" : fault);
        }
    }
}
