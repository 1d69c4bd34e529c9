// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import dev.tandem.bench.Machine;
import dev.tandem.simulator.engine.Speed;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.SimulatedEngine;
import dev.tandem.simulator.llama.LlamaOptions;
import dev.tandem.simulator.llama.SimulatedLlamaServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Entry point of the process in which the simulated engines of all pools run: faithful ones, with fixed times. It tells
 * them on its standard output and ends with its standard input. Used by one thread.
 */
@Command(name = "engines", hidden = true)
final class EngineProcess implements Callable<Integer> {
    /** Time in which a prefill engine computes any prompt, or several at once. */
    static final int PREFILL_MICROS = 8_000;

    /** Time in which a decode engine makes one token of each of its requests. */
    static final int DECODE_MICROS = 4_000;

    private static final String LAST_LINE = "ready";
    private static final int BLOCK_TOKENS = 16;
    private static final int BLOCKS = 8_192;

    /** More than requests at a time; with all in use the gateway runs a request whole. */
    private static final int SLOTS = 32;

    private static final int SLOT_TOKENS = 2_048;

    @Option(names = "--pools", split = ",")
    private List<String> pools = List.of();

    @Option(names = "--listeners", split = ",")
    private List<Integer> listeners = List.of(0, 0, 0);

    @Option(names = "--folder")
    private Path folder = Path.of(".");

    /** Runs the command line and ends the process. */
    public static void main(String[] arguments) {
        System.setProperty("logback.configurationFile", "dev/tandem/bench/log.xml");
        System.exit(new CommandLine(new EngineProcess()).execute(arguments));
    }

    /** Starts the process with the engines of these pools and returns when they listen. */
    static Process start(List<Pool> pools, Listeners listeners, Path folder, List<Site> sites) throws IOException {
        Process process = Machine.start(
                EngineProcess.class,
                List.of(
                        "--pools",
                        String.join(",", pools.stream().map(Pool::name).toList()),
                        "--listeners",
                        listeners.http() + "," + listeners.notices() + "," + listeners.registry(),
                        "--folder",
                        folder.toString()));
        BufferedReader output = process.inputReader(StandardCharsets.UTF_8);
        for (@Nullable String line = output.readLine(); !LAST_LINE.equals(line); line = output.readLine()) {
            if (line == null) {
                throw new IOException("the simulated engines did not start");
            }
            sites.add(Site.parse(line));
        }
        return process;
    }

    @Override
    public Integer call() throws IOException {
        Listeners ports = new Listeners(listeners.get(0), listeners.get(1), listeners.get(2));
        List<AutoCloseable> engines = new ArrayList<>();
        for (Pool pool : Pool.all()) {
            if (pools.contains(pool.name())) {
                start(pool, ports, engines);
            }
        }
        System.out.println(LAST_LINE);
        while (System.in.read() >= 0) {
            Thread.onSpinWait();
        }
        return 0;
    }

    private void start(Pool pool, Listeners ports, List<AutoCloseable> engines) {
        int receiver = 0;
        for (Side side : pool.sides()) {
            Site site;
            if (pool.name().equals(Pool.SLOTS)) {
                SimulatedLlamaServer server = SimulatedLlamaServer.start(llama(side));
                engines.add(server);
                site = new Site(pool.name(), side, server.port(), 0);
            } else {
                Pool.Surroundings around = new Pool.Surroundings(side, receiver, ports, folder);
                SimulatedEngine engine = SimulatedEngine.start(pool.maker().of(vllm(pool.name(), side), around));
                engines.add(engine);
                receiver = engine.sideChannelPort();
                site = new Site(pool.name(), side, engine.port(), engine.sideChannelPort());
            }
            System.out.println(site.line());
        }
    }

    private static EngineOptions vllm(String model, Side side) {
        return EngineOptions.of(model, 0)
                .withStrict(false)
                .withSpeed(speed(side))
                .withBlocks(BLOCK_TOKENS, BLOCKS)
                .withAnswerTokens(0);
    }

    private LlamaOptions llama(Side side) {
        return LlamaOptions.of(Pool.SLOTS, folder)
                .withStrict(false)
                .withSlots(SLOTS, SLOTS * SLOT_TOKENS)
                .withSpeed(speed(side))
                .withAnswerTokens(0);
    }

    /** Steps of equal length: what an engine needs depends on nothing but its side. */
    private static Speed speed(Side side) {
        int micros = side == Side.DECODE ? DECODE_MICROS : PREFILL_MICROS;
        return new Speed("fixed", micros, 0, 0, 0, 0, BLOCK_TOKENS * BLOCKS);
    }
}
