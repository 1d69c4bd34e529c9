// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import dev.tandem.simulator.engine.Speed;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.SeenRequest;
import dev.tandem.simulator.http.SimulatedEngine;
import dev.tandem.simulator.nixl.NixlConfig;
import dev.tandem.simulator.transfer.KvRole;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Entry point of the process of simulated engines that hand over by NIXL: strict ones, prefill engines first. It tells
 * their ports on its standard output, then does what each line of its standard input says, answers it by a line, and
 * ends with it. Used by one thread.
 */
@Command(name = "fleet", hidden = true)
final class FleetProcess implements Callable<Integer> {
    /** Lets an engine die and come back; behind it the number of the engine. */
    static final String RESTART = "restart ";

    /** Asks for the {@link Ledger}. */
    static final String LEDGER = "ledger";

    private static final Duration DOWN = Duration.ofSeconds(1);
    private static final int BLOCK_TOKENS = 16;
    private static final int BLOCKS = 4_096;
    private static final int PREFILL_MICROS = 5_000;
    private static final int DECODE_MICROS = 15_000;

    @Option(names = "--each")
    private int each = 8;

    private final List<SimulatedEngine> engines = new ArrayList<>();

    /** Runs the command line and ends the process. */
    public static void main(String[] arguments) {
        System.setProperty("logback.configurationFile", "dev/tandem/bench/log.xml");
        System.exit(new CommandLine(new FleetProcess()).execute(arguments));
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        StringBuilder ports = new StringBuilder(StressEngine.PORTS);
        for (int i = 0; i < 2 * each; i++) {
            engines.add(SimulatedEngine.start(options(i < each)));
            ports.append(engines.getLast().port()).append(' ');
        }
        System.out.println(ports.toString().trim());
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            System.out.println(done(line));
        }
        return 0;
    }

    private String done(String line) throws InterruptedException {
        if (line.equals(LEDGER)) {
            return Ledger.of(seen(0, each), seen(each, 2 * each)).line();
        }
        SimulatedEngine engine = engines.get(Integer.parseInt(line.substring(RESTART.length())));
        engine.crash();
        Thread.sleep(DOWN);
        engine.restart();
        return line;
    }

    private List<SeenRequest> seen(int from, int to) {
        return engines.subList(from, to).stream()
                .flatMap(engine -> engine.journal().requests().stream())
                .toList();
    }

    private static EngineOptions options(boolean prefill) {
        Speed steps = new Speed("fixed", prefill ? PREFILL_MICROS : DECODE_MICROS, 0, 0, 0, 0, BLOCK_TOKENS * BLOCKS);
        return EngineOptions.of("m", 0)
                .withSpeed(steps)
                .withBlocks(BLOCK_TOKENS, BLOCKS)
                .withAnswerTokens(0)
                .withNixl(NixlConfig.of(prefill ? KvRole.PRODUCER : KvRole.CONSUMER)
                        .withSideChannel("127.0.0.1", 0));
    }
}
