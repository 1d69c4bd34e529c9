// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.mooncake;

import dev.tandem.simulator.engine.EngineShape;
import dev.tandem.simulator.store.KvStore;
import dev.tandem.simulator.transfer.ConnectorConfig;
import dev.tandem.simulator.transfer.KvRole;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Settings of the Mooncake connector of one engine. Immutable.
 *
 * @param role What the engine is used for; the wrong leg kills it.
 * @param host Address of the bootstrap server and of the transfers.
 * @param bootstrapPort Port of the bootstrap server ({@code VLLM_MOONCAKE_BOOTSTRAP_PORT}); 0 for any free one.
 * @param engineId Id of the engine; null for a new one at every start.
 * @param hold How long a prefill engine keeps what nobody fetches ({@code VLLM_MOONCAKE_ABORT_REQUEST_TIMEOUT}).
 * @param emptyQueries So many queries after every start find that no worker has registered yet.
 */
public record MooncakeConfig(
        KvRole role,
        String host,
        int bootstrapPort,
        @Nullable String engineId,
        Duration hold,
        int emptyQueries) implements ConnectorConfig {
    /** Name of vLLM's class. */
    public static final String NAME = "MooncakeConnector";

    private static final String PORT_VARIABLE = "VLLM_MOONCAKE_BOOTSTRAP_PORT";
    private static final String HOLD_VARIABLE = "VLLM_MOONCAKE_ABORT_REQUEST_TIMEOUT";
    private static final int DEFAULT_PORT = 8_998;
    private static final Duration DEFAULT_HOLD = Duration.ofMinutes(8);

    /** Returns vLLM's defaults for a role. */
    public static MooncakeConfig of(KvRole role) {
        return new MooncakeConfig(role, "localhost", DEFAULT_PORT, null, DEFAULT_HOLD, 0);
    }

    /** Reads {@code --kv-transfer-config}. */
    public static MooncakeConfig read(KvRole role, JsonNode config) {
        MooncakeConfig read = of(role).withEmptyQueries(config.path("kv_connector_extra_config")
                .path("sim_empty_queries")
                .asInt(0));
        String id = config.path("engine_id").asString("");
        return id.isEmpty() ? read : read.withEngineId(id);
    }

    @Override
    public EngineShape.Connector kind() {
        return EngineShape.Connector.DIRECT;
    }

    @Override
    public MooncakeConfig withEnvironment(Map<String, String> variables) {
        String port = variables.getOrDefault(PORT_VARIABLE, Integer.toString(bootstrapPort));
        String seconds = variables.getOrDefault(HOLD_VARIABLE, Long.toString(hold.toSeconds()));
        return withBootstrap(host, ConnectorConfig.number(PORT_VARIABLE, port))
                .withHold(Duration.ofSeconds(ConnectorConfig.number(HOLD_VARIABLE, seconds)));
    }

    @Override
    public Prepared prepare(@Nullable KvStore shared) {
        return new Prepared(null, site -> new MooncakeConnector(this, site.speaking("mooncake")));
    }

    /** Returns these settings with another bootstrap server. */
    public MooncakeConfig withBootstrap(String address, int port) {
        return new MooncakeConfig(role, address, port, engineId, hold, emptyQueries);
    }

    /** Returns these settings with a fixed engine id. */
    public MooncakeConfig withEngineId(String id) {
        return new MooncakeConfig(role, host, bootstrapPort, id, hold, emptyQueries);
    }

    /** Returns these settings with another time for which KV is kept. */
    public MooncakeConfig withHold(Duration time) {
        return new MooncakeConfig(role, host, bootstrapPort, engineId, time, emptyQueries);
    }

    /** Returns these settings with another number of queries that find nobody. */
    public MooncakeConfig withEmptyQueries(int number) {
        return new MooncakeConfig(role, host, bootstrapPort, engineId, hold, number);
    }
}
