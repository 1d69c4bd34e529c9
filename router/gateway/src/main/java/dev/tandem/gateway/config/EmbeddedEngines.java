// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.gateway.config.TandemProperties.SimulatorProperties;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.SimulatedEngine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.util.FileSystemUtils;

/**
 * One simulated prefill and one simulated decode engine inside the gateway, for a start without any worker. They share
 * a KV store in a temporary folder, as real ones would share a volume. Thread-safe.
 */
final class EmbeddedEngines implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedEngines.class);

    private final List<SimulatedEngine> engines = new ArrayList<>();
    private final List<Worker> workers = new ArrayList<>();
    private final Path store;

    private EmbeddedEngines(Path store) {
        this.store = store;
    }

    /** Starts the engines. */
    static EmbeddedEngines start(SimulatorProperties settings) {
        EmbeddedEngines embedded;
        try {
            embedded = new EmbeddedEngines(Files.createTempDirectory("tandem-kv-"));
        } catch (IOException e) {
            throw new UncheckedIOException("no temporary folder for the simulated KV store", e);
        }
        try {
            embedded.add(Role.PREFILL, settings.prefillPort(), "prefill-port", settings.model());
            embedded.add(Role.DECODE, settings.decodePort(), "decode-port", settings.model());
        } catch (RuntimeException e) {
            embedded.close();
            throw e;
        }
        LOG.warn("no worker is configured: embedded simulated engines answer, not a model");
        return embedded;
    }

    /** Returns the engines as workers. */
    List<Worker> workers() {
        return List.copyOf(workers);
    }

    private void add(Role role, int port, String setting, String model) {
        SimulatedEngine engine;
        try {
            engine = SimulatedEngine.start(options(port, model));
        } catch (RuntimeException e) {
            throw new InvalidConfigurationException(
                    "the simulated " + role.tag() + " engine cannot listen on port " + port + ": " + e.getMessage(),
                    "Free the port, set tandem.simulator." + setting + " to another one (0 takes any), or name your own"
                            + " workers in tandem.workers, PREFILL_URLS and DECODE_URLS.");
        }
        engines.add(engine);
        workers.add(new Worker("sim-" + role.tag(), engine.baseUrl(), role));
        LOG.info("simulated engine started role={} port={} model={}", role.tag(), engine.port(), model);
    }

    private EngineOptions options(int port, String model) {
        return EngineOptions.parse(
                "serve",
                model,
                "--host",
                "127.0.0.1",
                "--port",
                Integer.toString(port),
                "--enable-prompt-tokens-details",
                "--enable-auto-tool-choice",
                "--tool-call-parser",
                "hermes",
                "--sim-all-apis",
                "--kv-transfer-config",
                "{\"kv_connector\":\"ExampleConnector\",\"kv_role\":\"kv_both\"}",
                "--sim-store",
                store.toString());
    }

    @Override
    public void close() {
        engines.forEach(SimulatedEngine::close);
        try {
            FileSystemUtils.deleteRecursively(store);
        } catch (IOException e) {
            LOG.warn("temporary KV store stays behind path={}", store);
        }
    }
}
