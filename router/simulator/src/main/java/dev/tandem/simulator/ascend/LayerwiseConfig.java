// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.ascend;

import dev.tandem.simulator.engine.EngineShape;
import dev.tandem.simulator.store.KvStore;
import dev.tandem.simulator.transfer.ConnectorConfig;
import dev.tandem.simulator.transfer.KvRole;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Settings of the layer-wise connector of one engine. Immutable.
 *
 * @param role What the engine is used for.
 * @param host Address at which a decode engine takes KV.
 * @param port Its port ({@code kv_port}); 0 for any free one.
 * @param engineId Id of the engine; null for a new one at every start.
 */
public record LayerwiseConfig(
        KvRole role, String host, int port, @Nullable String engineId) implements ConnectorConfig {
    /** Name of vllm-ascend's class. */
    public static final String NAME = "MooncakeLayerwiseConnector";

    private static final int DEFAULT_PORT = 14_579;

    /** Reads {@code --kv-transfer-config}. */
    public static LayerwiseConfig read(KvRole role, JsonNode config) {
        String id = config.path("engine_id").asString("");
        return new LayerwiseConfig(
                role,
                config.path("kv_ip").asString("127.0.0.1"),
                config.path("kv_port").asInt(DEFAULT_PORT),
                id.isEmpty() ? null : id);
    }

    @Override
    public EngineShape.Connector kind() {
        return EngineShape.Connector.DIRECT;
    }

    @Override
    public Prepared prepare(@Nullable KvStore shared) {
        return new Prepared(null, site -> new LayerwiseConnector(this, site.speaking("layerwise")));
    }

    /** Returns these settings with another port. */
    LayerwiseConfig withPort(int number) {
        return new LayerwiseConfig(role, host, number, engineId);
    }
}
