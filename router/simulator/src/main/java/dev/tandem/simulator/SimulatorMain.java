// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator;

import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.SimulatedEngine;
import dev.tandem.simulator.http.UsageException;
import dev.tandem.simulator.llama.LlamaOptions;
import dev.tandem.simulator.llama.SimulatedLlamaServer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.slf4j.LoggerFactory;

/**
 * Runs simulated engines as a process: takes vLLM's command line, or several with {@code --sim-next} between them, or
 * llama-server's behind the first argument {@code llama-server}.
 */
public final class SimulatorMain {
    private static final String LOG_SETTING = "logback.configurationFile";
    private static final String LLAMA = "llama-server";

    private SimulatorMain() {}

    /** Starts the engines and waits for the end of the process; exits with 2 for arguments that it would refuse. */
    public static void main(String[] arguments) throws InterruptedException {
        if (System.getProperty(LOG_SETTING) == null) {
            System.setProperty(LOG_SETTING, "dev/tandem/simulator/log.xml");
        }
        boolean llama = arguments.length > 0 && arguments[0].equals(LLAMA);
        if (Arrays.asList(arguments).contains("--help")) {
            print(llama ? LlamaOptions.help() : EngineOptions.help());
            return;
        }
        Runnable close;
        try {
            close = llama ? startLlama(arguments) : startVllm(arguments);
        } catch (UsageException e) {
            String usage = llama ? LLAMA : EngineOptions.usage();
            LoggerFactory.getLogger(SimulatorMain.class).error("{}: error: {}", usage, e.getMessage());
            System.exit(2);
            return;
        }
        CountDownLatch stopped = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            close.run();
            stopped.countDown();
        }));
        stopped.await();
    }

    private static Runnable startVllm(String[] arguments) {
        List<EngineOptions> all = commandLines(List.of(arguments)).stream()
                .map(each -> EngineOptions.parse(each.toArray(String[]::new)).withEnvironment(System.getenv()))
                .toList();
        List<SimulatedEngine> engines = all.stream().map(SimulatedEngine::start).toList();
        return () -> engines.forEach(SimulatedEngine::close);
    }

    private static List<List<String>> commandLines(List<String> arguments) {
        List<List<String>> lines = new ArrayList<>();
        int from = 0;
        for (int i = 0; i <= arguments.size(); i++) {
            if (i == arguments.size() || arguments.get(i).equals(EngineOptions.NEXT)) {
                lines.add(arguments.subList(from, i));
                from = i + 1;
            }
        }
        return lines;
    }

    private static Runnable startLlama(String[] arguments) {
        String[] own = Arrays.copyOfRange(arguments, 1, arguments.length);
        return SimulatedLlamaServer.start(LlamaOptions.parse(own))::close;
    }

    @SuppressWarnings("SystemOut") // asked for on the command line
    private static void print(String text) {
        System.out.print(text);
    }
}
