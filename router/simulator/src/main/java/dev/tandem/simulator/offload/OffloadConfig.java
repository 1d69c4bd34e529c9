// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.offload;

import dev.tandem.simulator.engine.EngineShape;
import dev.tandem.simulator.store.KvStore;
import dev.tandem.simulator.transfer.ConnectorConfig;
import dev.tandem.simulator.transfer.KvRole;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Settings of the peer-to-peer tier of one engine. Immutable.
 *
 * @param host Side channel address ({@code VLLM_P2P_SIDE_CHANNEL_HOST}).
 * @param port Side channel port ({@code VLLM_P2P_SIDE_CHANNEL_PORT}); 0 for any free one.
 * @param hashSeed {@code PYTHONHASHSEED}: peers with another one are rejected; null if it is not known yet.
 * @param unbound How long blocks stay for a decode leg that does not come.
 * @param load How long a leg waits for blocks before it computes them.
 */
public record OffloadConfig(String host, int port, @Nullable String hashSeed, Duration unbound, Duration load)
        implements ConnectorConfig {
    /** Name of vLLM's class. */
    public static final String NAME = "OffloadingConnector";

    private static final int DEFAULT_PORT = 5_710;
    private static final Duration UNBOUND = Duration.ofMinutes(1);
    private static final Duration LOAD = Duration.ofSeconds(30);
    private static final String PORT_VARIABLE = "VLLM_P2P_SIDE_CHANNEL_PORT";
    private static final String SEED_VARIABLE = "PYTHONHASHSEED";

    /** Returns settings with vLLM's times. */
    public static OffloadConfig of(String host, int port, String hashSeed) {
        return new OffloadConfig(host, port, hashSeed, UNBOUND, LOAD);
    }

    /** Returns true if {@code --kv-transfer-config} asks for this tier. */
    public static boolean asked(JsonNode config) {
        for (JsonNode tier : config.at("/kv_connector_extra_config/secondary_tiers")) {
            if (tier.path("type").asString("").equals("p2p")) {
                return true;
            }
        }
        return false;
    }

    /** Reads {@code --kv-transfer-config}; every engine is a peer, whatever its role. */
    public static OffloadConfig read(KvRole role, JsonNode config) {
        for (JsonNode tier : config.at("/kv_connector_extra_config/secondary_tiers")) {
            if (tier.path("type").asString("").equals("p2p")) {
                String host = tier.path("host").asString("localhost");
                return new OffloadConfig(host, tier.path("port").asInt(DEFAULT_PORT), null, UNBOUND, LOAD);
            }
        }
        throw new IllegalArgumentException("secondary_tiers: no tier of type p2p");
    }

    @Override
    public EngineShape.Connector kind() {
        return EngineShape.Connector.DIRECT;
    }

    /** Throws if nothing says the hash seed, as vLLM does not start without it. */
    @Override
    public OffloadConfig withEnvironment(Map<String, String> variables) {
        String seed = variables.getOrDefault(SEED_VARIABLE, hashSeed == null ? "" : hashSeed);
        if (seed.isEmpty()) {
            throw new IllegalArgumentException(SEED_VARIABLE + ": not set (expected: the same in all peers)");
        }
        String sidePort = variables.getOrDefault(PORT_VARIABLE, Integer.toString(port));
        return new OffloadConfig(
                variables.getOrDefault("VLLM_P2P_SIDE_CHANNEL_HOST", host),
                ConnectorConfig.number(PORT_VARIABLE, sidePort),
                seed,
                unbound,
                load);
    }

    @Override
    public Prepared prepare(@Nullable KvStore shared) {
        return new Prepared(null, site -> new OffloadConnector(this, site.speaking("p2p seed=" + hashSeed)));
    }

    /** Returns these settings with another port. */
    OffloadConfig withPort(int number) {
        return new OffloadConfig(host, number, hashSeed, unbound, load);
    }
}
