// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator;

import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.SimulatedEngine;
import dev.tandem.simulator.http.UsageException;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import org.slf4j.LoggerFactory;

/** Runs one simulated engine as a process; takes vLLM's command line. */
public final class SimulatorMain {
    private static final String LOG_SETTING = "logback.configurationFile";

    private SimulatorMain() {}

    /** Starts the engine and waits for the end of the process; exits with 2 for arguments that vLLM would refuse. */
    public static void main(String[] arguments) throws InterruptedException {
        if (System.getProperty(LOG_SETTING) == null) {
            System.setProperty(LOG_SETTING, "dev/tandem/simulator/log.xml");
        }
        if (Arrays.asList(arguments).contains("--help")) {
            print(EngineOptions.help());
            return;
        }
        SimulatedEngine engine;
        try {
            engine = SimulatedEngine.start(EngineOptions.parse(arguments).withEnvironment(System.getenv()));
        } catch (UsageException e) {
            LoggerFactory.getLogger(SimulatorMain.class).error("{}: error: {}", EngineOptions.usage(), e.getMessage());
            System.exit(2);
            return;
        }
        CountDownLatch stopped = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            engine.close();
            stopped.countDown();
        }));
        stopped.await();
    }

    @SuppressWarnings("SystemOut") // asked for on the command line
    private static void print(String text) {
        System.out.print(text);
    }
}
