// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import dev.tandem.bench.Machine;
import dev.tandem.bench.Proxies;
import dev.tandem.bench.ProxyProcess;
import dev.tandem.bench.Results;
import dev.tandem.bench.TandemOptions;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
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

/** Entry point: presses a gateway hard in several ways, each in front of a gateway of its own. Used by one thread. */
@Command(
        name = "stress",
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        description = "Presses Tandem hard and says whether it bears that. Linux only.")
final class StressBench implements Callable<Integer> {
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    @Option(
            names = "--only",
            split = ",",
            description = "Scenarios to run: streams, stalled, leaving, overload. Default: all")
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

    @Option(names = "--results", paramLabel = "DIR", description = "Directory for the results.")
    private Path results = Path.of("data", "results");

    @Option(names = "--write-docs", description = "Write table and plots to docs/benchmarks/results/, too.")
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
        List<Scenario> all = List.of(
                new ManyStreams(streams, streamSeconds),
                new Stalled(stalled, Duration.ofSeconds(writeStall)),
                new Leaving(leaving, leavingAtOnce),
                new Overload(overloadSeconds));
        return all.stream()
                .filter(scenario -> only.isEmpty() || only.contains(scenario.name()))
                .toList();
    }

    private Report.Part run(Scenario scenario, Path folder) throws IOException, InterruptedException {
        Process engine = StressEngine.start(scenario.slots());
        BufferedReader told = engine.inputReader(StandardCharsets.UTF_8);
        int enginePort = StressEngine.port(told);
        Departures gone = new Departures();
        Thread.ofPlatform().daemon().start(() -> listen(told, gone));
        ProxyProcess.Spec spec = tandem.with(settings(scenario, enginePort), Proxies.freePort());
        try (ProxyProcess gateway = started(spec, folder);
                Vitals vitals = Vitals.of(gateway.pid())) {
            Outcome outcome = scenario.run(new Field(spec.port(), gone, vitals));
            return new Report.Part(scenario.name(), scenario.what(), outcome.figures(), vitals.samples());
        } finally {
            engine.destroy();
        }
    }

    /** What asks whether it is ready holds no connection afterwards. */
    private ProxyProcess started(ProxyProcess.Spec spec, Path folder) throws IOException {
        URI ready = URI.create("http://127.0.0.1:" + spec.port() + "/readyz");
        try (HttpClient probe = HttpClient.newBuilder().connectTimeout(PATIENCE).build()) {
            return ProxyProcess.start(spec, folder, cores.proxy(), () -> answers(probe, ready));
        }
    }

    private static List<String> settings(Scenario scenario, int enginePort) {
        List<String> settings = new ArrayList<>(List.of(
                "--tandem.unified-urls=http://127.0.0.1:" + enginePort,
                "--tandem.disagg.canary.enabled=false",
                "--tandem.edge.max-connections=16384",
                "--tandem.admission.max-running=16384",
                "--tandem.engine.max-connections=16384"));
        for (String more : scenario.settings()) {
            String name = more.substring(0, more.indexOf('=') + 1);
            settings.removeIf(usual -> usual.startsWith(name));
            settings.add(more);
        }
        return settings;
    }

    private static void listen(BufferedReader told, Departures gone) {
        told.lines().filter(line -> line.startsWith(StressEngine.GONE)).forEach(line -> {
            String[] words = line.split(" ", -1);
            gone.note(Integer.parseInt(words[1]), Long.parseLong(words[2]));
        });
    }

    private static boolean answers(HttpClient probe, URI ready) {
        try {
            HttpRequest request =
                    HttpRequest.newBuilder(ready).timeout(PATIENCE).build();
            return probe.send(request, BodyHandlers.discarding()).statusCode() == 200;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private int publish(Report report) throws IOException {
        System.out.println(report.markdown());
        System.err.println("written to " + report.write(results, "stress-" + Results.now()));
        if (writeDocs) {
            System.err.println("written to " + report.write(Results.DOCS, Results.today() + "-stress"));
        }
        return report.met() ? 0 : 3;
    }
}
