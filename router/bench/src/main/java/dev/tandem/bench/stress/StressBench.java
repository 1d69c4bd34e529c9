// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import dev.tandem.bench.Machine;
import dev.tandem.bench.Results;
import dev.tandem.bench.TandemOptions;
import dev.tandem.bench.stress.field.Ground;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Entry point: presses Tandem hard in several ways, each with a gateway of its own. Used by one thread. */
@Command(
        name = "stress",
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        description = "Presses Tandem hard and says whether it bears that. Linux only.")
final class StressBench implements Callable<Integer> {
    @Option(
            names = "--only",
            split = ",",
            description = "Scenarios to run: streams, stalled, leaving, overload, slowloris, killed, restart, storm,"
                    + " soak. Default: all but soak")
    private List<String> only = List.of();

    @Option(names = "--streams", description = "Streams at a time.")
    private int streams = 9_500;

    @Option(names = "--stream-seconds", description = "How long each lasts once all are open.")
    private int streamSeconds = 30;

    @Option(names = "--stalled", description = "Clients that never read.")
    private int stalled = 3_000;

    @Option(names = "--write-stall", description = "Seconds that the gateway lets them.")
    private int writeStall = 10;

    @Option(names = "--leaving", description = "Clients that leave one after the other.")
    private int leaving = 500;

    @Option(names = "--leaving-at-once", description = "Clients that leave at once.")
    private int leavingAtOnce = 4_000;

    @Option(names = "--overload-seconds", description = "Length of each measurement of the overload.")
    private int overloadSeconds = 15;

    @Option(names = "--slow", description = "Clients that send slow heads, and as many that send slow bodies.")
    private int slow = 4_000;

    @Option(names = "--head-timeout", description = "Seconds that the gateway waits for heads.")
    private int headTimeout = 10;

    @Option(names = "--body-timeout", description = "Seconds that the gateway waits for bodies.")
    private int bodyTimeout = 15;

    @Option(names = "--kills", description = "Workers that are killed.")
    private int kills = 4;

    @Option(names = "--kills-rate", description = "Requests in a second meanwhile.")
    private int killedRate = 300;

    @Option(names = "--restarted", description = "Engines of each role that are restarted, 2 or more.")
    private int restarted = 8;

    @Option(names = "--gateways", description = "How often the gateway is replaced.")
    private int gateways = 2;

    @Option(names = "--restart-rate", description = "Requests in a second meanwhile.")
    private int restartRate = 100;

    @Option(names = "--storm-seconds", description = "How long clients leave at random moments.")
    private int stormSeconds = 30;

    @Option(names = "--soak-requests", description = "Requests of the soak.")
    private int soakRequests = 100_000;

    @Option(names = "--results", paramLabel = "DIR", description = "Directory for the results.")
    private Path results = Path.of("data", "results");

    @Option(
            names = "--write-docs",
            description = "Write page and plots to docs/benchmarks/results/, too; with --only under other names.")
    private boolean writeDocs;

    @Mixin
    private Machine.Cores cores = new Machine.Cores();

    @Mixin
    private TandemOptions tandem = new TandemOptions();

    /** Runs the command line and ends the process; a run that misses a goal ends with status 3. */
    public static void main(String[] arguments) {
        System.exit(new CommandLine(new StressBench()).execute(arguments));
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Map<String, String> facts = Machine.facts();
        Machine.pinSelf(cores.load());
        facts.put("pinning", cores.placement());
        Path folder = Machine.scratch(Path.of(System.getProperty("java.io.tmpdir")));
        List<Report.Part> parts = new ArrayList<>();
        for (Scenario scenario : scenarios()) {
            System.err.println(scenario.name() + ": " + scenario.what());
            Report.Part part = run(scenario, folder);
            System.err.println(Report.lines(part));
            parts.add(part);
        }
        facts.put("load average after", Machine.loadAverage());
        return publish(new Report(facts, parts));
    }

    private List<Scenario> scenarios() {
        Scenario soak = new Soak(soakRequests);
        List<Scenario> all = List.of(
                new ManyStreams(streams, streamSeconds),
                new Stalled(stalled, Duration.ofSeconds(writeStall)),
                new Leaving(leaving, leavingAtOnce),
                new Overload(overloadSeconds),
                new Slowloris(slow, Duration.ofSeconds(headTimeout), Duration.ofSeconds(bodyTimeout)),
                new KilledWorker(kills, killedRate),
                new RollingRestart(restarted, gateways, restartRate),
                new AbortStorm(stormSeconds),
                soak);
        List<String> names = all.stream().map(Scenario::name).toList();
        if (!names.containsAll(only)) {
            throw new IllegalArgumentException("--only: " + only + " (expected: some of " + names + ")");
        }
        return all.stream()
                .filter(scenario -> only.isEmpty() ? !scenario.equals(soak) : only.contains(scenario.name()))
                .toList();
    }

    private Report.Part run(Scenario scenario, Path folder) throws IOException, InterruptedException {
        try (Ground ground = new Ground(tandem, cores.proxy(), folder)) {
            Outcome outcome = scenario.run(ground);
            return new Report.Part(
                    scenario.name(), scenario.what(), ground.settings(), outcome.figures(), outcome.curves());
        }
    }

    private int publish(Report report) throws IOException {
        System.out.println(report.markdown());
        System.err.println("written to " + report.write(results, "stress-" + Results.now()));
        if (writeDocs) {
            String name = only.isEmpty() ? "stress" : "stress-" + String.join("-", only);
            System.err.println("written to " + report.write(Results.DOCS, Results.today() + "-" + name));
        }
        return report.met() ? 0 : 3;
    }
}
