// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.sglang;

import dev.tandem.simulator.engine.EngineShape;
import dev.tandem.simulator.store.KvStore;
import dev.tandem.simulator.transfer.ConnectorConfig;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Settings of one engine that behaves as an SGLang server. Immutable.
 *
 * @param mode Its part ({@code --disaggregation-mode}).
 * @param host Address on which a prefill engine's bootstrap server listens.
 * @param bootstrapPort Port of that server, and of prefill engines whose port a request leaves out
 *     ({@code --disaggregation-bootstrap-port}); 0 for any free one.
 * @param bootstrap How long a prefill leg waits for its decode leg ({@code SGLANG_DISAGGREGATION_BOOTSTRAP_TIMEOUT}).
 * @param waiting How long a decode leg waits for KV ({@code SGLANG_DISAGGREGATION_WAITING_TIMEOUT}).
 */
public record SglangConfig(Mode mode, String host, int bootstrapPort, Duration bootstrap, Duration waiting)
        implements ConnectorConfig {
    /** Name of the kind of engine on the command line. */
    public static final String NAME = "sglang";

    private static final int DEFAULT_PORT = 8_998;
    private static final Duration PATIENCE = Duration.ofMinutes(5);
    private static final String BOOTSTRAP_VARIABLE = "SGLANG_DISAGGREGATION_BOOTSTRAP_TIMEOUT";
    private static final String WAITING_VARIABLE = "SGLANG_DISAGGREGATION_WAITING_TIMEOUT";

    /** Part of an engine. */
    public enum Mode {
        /** Whole requests. */
        NULL,
        /** Prefill legs only. */
        PREFILL,
        /** Decode legs only. */
        DECODE;

        /** Returns the mode of a name on the command line. */
        public static Mode of(String name) {
            return Arrays.stream(values())
                    .filter(mode -> mode.wireName().equals(name))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException(
                            "disaggregation-mode: " + name + " (expected: null, prefill or decode)"));
        }

        String wireName() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Returns SGLang's defaults for a mode. */
    public static SglangConfig of(Mode mode) {
        return new SglangConfig(mode, "0.0.0.0", DEFAULT_PORT, PATIENCE, PATIENCE);
    }

    @Override
    public EngineShape.Connector kind() {
        return mode == Mode.NULL ? EngineShape.Connector.NONE : EngineShape.Connector.DIRECT;
    }

    @Override
    public SglangConfig withEnvironment(Map<String, String> variables) {
        return withTimes(
                seconds(variables, BOOTSTRAP_VARIABLE, bootstrap), seconds(variables, WAITING_VARIABLE, waiting));
    }

    private static Duration seconds(Map<String, String> variables, String name, Duration otherwise) {
        String value = variables.get(name);
        return value == null ? otherwise : Duration.ofSeconds(ConnectorConfig.number(name, value));
    }

    @Override
    public Prepared prepare(@Nullable KvStore shared) {
        return new Prepared(null, site -> new SglangConnector(this, site.speaking(NAME)));
    }

    /** Returns these settings with another mode. */
    public SglangConfig withMode(Mode other) {
        return new SglangConfig(other, host, bootstrapPort, bootstrap, waiting);
    }

    /** Returns these settings with another bootstrap server. */
    public SglangConfig withBootstrap(String address, int port) {
        return new SglangConfig(mode, address, port, bootstrap, waiting);
    }

    /** Returns these settings with other times. */
    public SglangConfig withTimes(Duration forDecode, Duration forKv) {
        return new SglangConfig(mode, host, bootstrapPort, forDecode, forKv);
    }
}
