// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.lmcache;

import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.transfer.Asked;
import dev.tandem.simulator.transfer.Connector;
import dev.tandem.simulator.transfer.ConnectorConfig;
import dev.tandem.simulator.transfer.Leg;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** A connector that only uses the shared store, of which nobody is told. Immutable. */
record StoreConnector(ConnectorConfig config) implements Connector {
    @Override
    public @Nullable String violation(Asked asked) {
        return foreignKey(asked.params());
    }

    /** Returns what is wrong with parameters that LMCache does not know; null if nothing. */
    static @Nullable String foreignKey(@Nullable ObjectNode params) {
        return params == null
                ? null
                : params.propertyNames().stream()
                        .filter(key -> !key.startsWith("lmcache."))
                        .findFirst()
                        .map(key -> "kv_transfer_params." + key + ": not of LMCache (expected: none)")
                        .orElse(null);
    }

    @Override
    public Leg leg(Asked asked, GenerateRequest request) {
        return Leg.NONE;
    }

    @Override
    public void close() {}
}
