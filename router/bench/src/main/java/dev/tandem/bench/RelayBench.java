// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.internal.logging.InternalLoggerFactory;
import io.netty.util.internal.logging.JdkLoggerFactory;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Entry point: measures what Tandem and other proxies cost in front of the same fake workers, in one run. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        subcommands = FakeWorker.class,
        description = "Measures processor time, memory and first-byte time of proxies. Linux only.")
final class RelayBench implements Callable<Integer> {
    private static final int SPARE_CONNECTIONS = 256;

    @Option(names = "--rounds", description = "Measurements of each cell; the median is printed.")
    private int rounds = 3;

    @Option(names = "--seconds", description = "Length of one measurement.")
    private double seconds = 5;

    @Option(names = "--ramp-seconds", description = "Load before each measurement.")
    private double rampSeconds = 1;

    @Option(names = "--warmup-requests", description = "Requests of 1 KB to each proxy before the first round.")
    private int warmupRequests = 100_000;

    @Option(names = "--connections", description = "Connections at saturation.")
    private int connections = 64;

    @Option(names = "--rate", description = "Requests per second of the low rate.")
    private int rate = 200;

    @Option(names = "--starts", description = "Starts of each proxy; the median time to the first answer is printed.")
    private int starts = 3;

    @Option(names = "--streams", description = "Open streams of the memory figure; 0 leaves it out.")
    private int streams = 1_000;

    @Option(
            names = "--only",
            split = ",",
            description = "Names of proxies to measure: tandem,nginx,haproxy,vllm-router,smg")
    private List<String> only = List.of();

    @Option(names = "--cells", split = ",", description = "Cells to measure: ${COMPLETION-CANDIDATES}. Default: all")
    private Set<Cell> cells = EnumSet.allOf(Cell.class);

    @Option(names = "--peers", description = "Measure vllm-router and SMG too.")
    private boolean peers;

    @Option(
            names = "--peer-environments",
            paramLabel = "DIR",
            description = "Directory with the Python environments vllm-router and smg.")
    private Path peerEnvironments = Path.of(System.getProperty("user.home"), ".cache", "tandem-bench");

    @Option(names = "--pd", description = "Compare one leg with two: Tandem with prefill and decode workers.")
    private boolean disaggregated;

    @Option(names = "--resume", description = "Measure Tandem with tandem.stream.resume, too.")
    private boolean resume;

    @Option(names = "--results", paramLabel = "DIR", description = "Directory for the Markdown and JSON results.")
    private Path results = Path.of("data", "results");

    @Mixin
    private Machine.Cores cores = new Machine.Cores();

    @Mixin
    private TandemOptions tandem = new TandemOptions();

    /** Runs the command line and ends the process; a run with any fault ends with status 3. */
    public static void main(String[] arguments) {
        InternalLoggerFactory.setDefaultFactory(JdkLoggerFactory.INSTANCE);
        System.exit(new CommandLine(new RelayBench())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .execute(arguments));
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Map<String, String> facts = Machine.facts();
        Machine.pinSelf(cores.load());
        Path directory = Machine.scratch(Path.of(System.getProperty("java.io.tmpdir")));
        EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        Process workers = Machine.start(RelayBench.class, List.of("worker"));
        try {
            List<Integer> ports = readPorts(workers);
            List<ProxyProcess.Spec> specs =
                    specs(new Proxies(ports, Math.max(streams, connections) + SPARE_CONNECTIONS), System.err);
            Comparison.Settings settings = settings(ports.getFirst());
            describe(facts);
            Comparison comparison = new Comparison(settings, loop, workers.toHandle(), directory, System.err);
            Report report = new Report(facts, comparison.run(specs, chosenCells()));
            System.out.println(report.markdown());
            System.err.println("written to " + report.write(results, Results.now()));
            return report.faulty() ? 3 : 0;
        } finally {
            workers.destroy();
            var unused = loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        }
    }

    private Comparison.Settings settings(int workerPort) {
        return new Comparison.Settings(
                rounds,
                Duration.ofMillis((long) (seconds * 1_000)),
                Duration.ofMillis((long) (rampSeconds * 1_000)),
                warmupRequests,
                connections,
                rate,
                starts,
                streams,
                workerPort,
                cores.proxy());
    }

    private List<Cell> chosenCells() {
        return cells.stream()
                .filter(cell -> disaggregated || !Cell.exchanges().contains(cell))
                .toList();
    }

    private void describe(Map<String, String> facts) {
        facts.put("pinning", cores.placement());
        facts.put(
                "load",
                connections + " connections, " + Traffic.PROMPTS + " prompts, low rate " + rate + "/s, events of "
                        + Traffic.EVENT_BYTES + " bytes, " + streams + " open streams for the memory");
        facts.put("rounds", rounds + " of " + seconds + " s after " + rampSeconds + " s of load, order rotated");
        facts.put(
                "warm-up of each proxy",
                warmupRequests + " requests of 1 KB, then " + warmupRequests / 20 + " streams, " + warmupRequests / 40
                        + " of 128 KB, " + warmupRequests / 400 + " of 1 MiB"
                        + (disaggregated ? ", " + warmupRequests / 2 + " of 16 KB for the exchanges" : "")
                        + "; cold: the first 1,000 requests of the process");
        facts.put("logs", "Tandem as configured, nginx its default access log to a file, HAProxy none");
    }

    private List<ProxyProcess.Spec> specs(Proxies proxies, PrintStream progress) throws IOException {
        List<ProxyProcess.Spec> specs = new ArrayList<>();
        if (wanted("tandem")) {
            ProxyProcess.Spec unified = tandem.unified(proxies);
            specs.add(disaggregated ? unified.measuredIn(EnumSet.allOf(Cell.class)) : unified);
            if (disaggregated) {
                specs.add(tandem.disaggregated(proxies));
            }
            if (resume) {
                specs.add(tandem.resuming(proxies));
            }
        }
        if (wanted("nginx") && present("nginx", progress)) {
            specs.add(proxies.nginx());
        }
        if (wanted("haproxy") && present("haproxy", progress)) {
            specs.add(proxies.haproxy());
        }
        if (peers) {
            addPeers(proxies, specs, progress);
        }
        return specs;
    }

    private void addPeers(Proxies proxies, List<ProxyProcess.Spec> specs, PrintStream progress) throws IOException {
        Path router = peerEnvironments.resolve("vllm-router").toAbsolutePath();
        if (wanted("vllm-router") && present(router.resolve("bin/vllm-router"), progress)) {
            ProxyProcess.Spec roundRobin = proxies.vllmRouter(router, "round_robin");
            specs.add(disaggregated ? roundRobin.measuredIn(EnumSet.allOf(Cell.class)) : roundRobin);
            specs.add(proxies.vllmRouter(router, "consistent_hash"));
            specs.add(proxies.vllmRouter(router, "cache_aware"));
            if (disaggregated) {
                specs.add(proxies.vllmRouterDisaggregated(router));
            }
        }
        Path smg = peerEnvironments.resolve("smg").toAbsolutePath();
        if (wanted("smg") && present(smg.resolve("bin/smg"), progress)) {
            specs.add(proxies.smg(smg, "round_robin"));
            specs.add(proxies.smg(smg, "cache_aware"));
        }
    }

    private boolean wanted(String name) {
        return only.isEmpty() || only.contains(name);
    }

    private static boolean present(String program, PrintStream progress) {
        boolean present = Proxies.installed(program);
        if (!present) {
            progress.println("not measured, not installed: " + program);
        }
        return present;
    }

    private static boolean present(Path program, PrintStream progress) {
        boolean present = Files.isExecutable(program);
        if (!present) {
            progress.println("not measured, not installed: " + program);
        }
        return present;
    }

    private static List<Integer> readPorts(Process workers) throws IOException {
        BufferedReader output = workers.inputReader(StandardCharsets.UTF_8);
        @Nullable String line = output.readLine();
        if (line == null || !line.startsWith("ports ")) {
            throw new IOException("the fake workers did not start: " + line);
        }
        return Stream.of(line.substring("ports ".length()).split(" ", -1))
                .map(Integer::valueOf)
                .toList();
    }
}
