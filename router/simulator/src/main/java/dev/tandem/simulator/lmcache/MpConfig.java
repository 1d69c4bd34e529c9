// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.lmcache;

import dev.tandem.simulator.engine.EngineShape;
import dev.tandem.simulator.store.KvStore;
import dev.tandem.simulator.transfer.ConnectorConfig;
import java.net.URI;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Settings of {@code LMCacheMPConnector}: engines with one LMCache server, which the shared store stands for.
 * Immutable.
 *
 * @param telemetry Where finished stores are told; null for nowhere.
 */
public record MpConfig(@Nullable URI telemetry) implements ConnectorConfig {
    private static final String TYPE = "LMCACHE_REQUEST_TELEMETRY_TYPE";
    private static final String ENDPOINT = "LMCACHE_REQUEST_TELEMETRY_ENDPOINT";

    /** Returns the environment variables that turn telemetry on. */
    public static Map<String, String> telemetry(String endpoint) {
        return Map.of(TYPE, "fastapi", ENDPOINT, endpoint);
    }

    @Override
    public EngineShape.Connector kind() {
        return EngineShape.Connector.LMCACHE_MP;
    }

    @Override
    public MpConfig withEnvironment(Map<String, String> variables) {
        String endpoint = variables.get(ENDPOINT);
        return "fastapi".equals(variables.get(TYPE)) && endpoint != null ? new MpConfig(URI.create(endpoint)) : this;
    }

    @Override
    public Prepared prepare(@Nullable KvStore shared) {
        if (shared == null) {
            throw new IllegalArgumentException(
                    "LMCacheMPConnector: no folder for the shared store (expected: --sim-store)");
        }
        URI endpoint = telemetry;
        if (endpoint == null) {
            return new Prepared(shared, site -> new StoreConnector(this));
        }
        DeferredStore store = new DeferredStore(shared);
        return new Prepared(store, site -> new MpConnector(this, endpoint, site, store));
    }
}
