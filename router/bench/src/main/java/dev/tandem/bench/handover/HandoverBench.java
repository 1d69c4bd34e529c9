// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import dev.tandem.bench.Machine;
import dev.tandem.bench.Proxies;
import dev.tandem.bench.ProxyProcess;
import dev.tandem.bench.Results;
import dev.tandem.bench.TandemOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** Entry point: measures what hand-overs cost beyond the engines' own times, for every connector, in one run. */
@Command(
        name = "handover",
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        description = "Measures the overhead of hand-overs between simulated engines. Linux only.")
final class HandoverBench implements Callable<Integer> {
    /** Where a machine has memory that looks like a disk: what engines share is not measured as a disk's speed. */
    private static final Path MEMORY = Path.of("/dev/shm");

    @Option(names = "--rounds", description = "Windows of each row; the median of them is printed.")
    private int rounds = 3;

    @Option(names = "--seconds", description = "Length of a window with one client.")
    private double seconds = 2;

    @Option(names = "--loaded-seconds", description = "Length of a window with several clients.")
    private double loadedSeconds = 1.5;

    @Option(names = "--clients", description = "How many these are.")
    private int clients = 16;

    @Option(names = "--warmup", description = "Exchanges of each row before the first round.")
    private int warmup = 1_000;

    @Option(
            names = "--only",
            split = ",",
            description = "Connectors to measure, and unified for one engine. Default: all")
    private List<String> only = List.of();

    @Option(names = "--peers", description = "Measure vllm-router with NIXL too.")
    private boolean peers;

    @Option(
            names = "--peer-environments",
            paramLabel = "DIR",
            description = "Directory with the Python environment vllm-router.")
    private Path peerEnvironments = Path.of(System.getProperty("user.home"), ".cache", "tandem-bench");

    @Option(names = "--results", paramLabel = "DIR", description = "Directory for the results.")
    private Path results = Path.of("data", "results");

    @Option(names = "--write-docs", description = "Write table and plot to docs/benchmarks/results/, too.")
    private boolean writeDocs;

    @Mixin
    private Machine.Cores cores = new Machine.Cores();

    @Mixin
    private TandemOptions tandem = new TandemOptions();

    @CommandLine.Spec
    private CommandLine.Model.@Nullable CommandSpec spec;

    /** Runs the command line and ends the process; a run with any fault ends with status 3. */
    public static void main(String[] arguments) {
        System.exit(new CommandLine(new HandoverBench()).execute(arguments));
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        List<Pool> pools = chosenPools();
        Map<String, String> facts = Machine.facts();
        Machine.pinSelf(cores.load());
        Path folder =
                Machine.scratch(Files.isWritable(MEMORY) ? MEMORY : Path.of(System.getProperty("java.io.tmpdir")));
        Listeners listeners = Listeners.onFreePorts();
        List<Site> sites = new ArrayList<>();
        Process engines = EngineProcess.start(pools, listeners, folder, sites);
        try (Gateway gateway = Gateway.start(
                        tandem, Gateway.settings(pools, sites, listeners), sites.size(), folder, cores.proxy());
                Peer peer = peer(sites, folder)) {
            Comparison.Amounts amounts =
                    new Comparison.Amounts(rounds, millis(seconds), millis(loadedSeconds), clients, warmup);
            describe(facts, gateway, peer);
            List<Row> rows = new Comparison(amounts, sites, gateway, peer.port(), System.err)
                    .run(Subject.of(pools, peer.present()));
            facts.put("load average after", Machine.loadAverage());
            return publish(new Report(facts, rows));
        } finally {
            engines.destroy();
        }
    }

    private List<Pool> chosenPools() {
        List<String> names = Pool.all().stream().map(Pool::name).toList();
        for (String name : only) {
            if (!names.contains(name)) {
                throw new ParameterException(
                        java.util.Objects.requireNonNull(spec).commandLine(),
                        "--only: " + name + " (expected: of " + String.join(", ", names) + ")");
            }
        }
        return Pool.all().stream()
                .filter(pool -> only.isEmpty() || only.contains(pool.name()))
                .toList();
    }

    private void describe(Map<String, String> facts, Gateway gateway, Peer peer) {
        facts.put(
                "versions", "Tandem " + gateway.version() + (peer.present() ? ", vllm-router " + peer.version() : ""));
        facts.put("pinning", cores.placement());
        facts.put(
                "engines",
                "simulated: " + EngineProcess.PREFILL_MICROS / 1e3 + " ms for a prompt, "
                        + EngineProcess.DECODE_MICROS / 1e3 + " ms for a token of decode");
        facts.put(
                "load",
                "completions, streamed, " + Ask.promptTokens() + " tokens in " + Ask.promptBytes()
                        + " bytes, no two alike, " + Ask.ANSWER_TOKENS + " tokens of answer; one client, and " + clients
                        + " clients");
        facts.put(
                "rounds",
                rounds + " of " + seconds + " s with one client and " + loadedSeconds + " s with " + clients
                        + ", order rotated");
        facts.put("warm-up", warmup + " exchanges of each row, all through one gateway");
    }

    private Peer peer(List<Site> sites, Path folder) throws IOException {
        Path environment = peerEnvironments.resolve("vllm-router").toAbsolutePath();
        List<Integer> nixl = sites.stream()
                .filter(site -> site.pool().equals(ByHand.NIXL))
                .sorted(java.util.Comparator.comparing(Site::side))
                .map(Site::port)
                .toList();
        if (!peers || nixl.isEmpty()) {
            return new Peer(null);
        }
        if (!Files.isExecutable(environment.resolve("bin/vllm-router"))) {
            System.err.println("not measured, not installed: vllm-router");
            return new Peer(null);
        }
        ProxyProcess.Spec router = new Proxies(nixl, clients).vllmRouterDisaggregated(environment);
        Path own = Files.createDirectories(folder.resolve("vllm-router"));
        return new Peer(ProxyProcess.start(router, own, cores.proxy(), () -> answers(router.port())));
    }

    private static boolean answers(int port) {
        try (Asker asker = Asker.at(port)) {
            return asker.ask(new Ask(0, ByHand.NIXL)).status() == 200;
        } catch (IOException e) {
            return false;
        }
    }

    private int publish(Report report) throws IOException {
        System.out.println(report.markdown());
        System.err.println("written to " + report.write(results, "handover-" + Results.now()));
        if (writeDocs) {
            System.err.println("written to " + report.writeDocs(Results.DOCS, Results.today() + "-handover"));
        }
        return report.faulty() ? 3 : 0;
    }

    private static Duration millis(double seconds) {
        return Duration.ofMillis((long) (seconds * 1_000));
    }

    /** The other proxy, or none. */
    private record Peer(@Nullable ProxyProcess process) implements AutoCloseable {
        boolean present() {
            return process != null;
        }

        int port() {
            return process == null ? 0 : process.spec().port();
        }

        String version() {
            return process == null ? "" : process.spec().version();
        }

        @Override
        public void close() {
            if (process != null) {
                process.close();
            }
        }
    }
}
