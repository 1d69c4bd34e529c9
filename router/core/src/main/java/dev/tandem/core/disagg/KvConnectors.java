// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

import java.util.List;
import java.util.Optional;

/** The catalogue of connectors: adding one is one line here. */
public final class KvConnectors {
    /** Every connector, in the order in which they are listed to operators. */
    public static final List<KvConnector> ALL = List.of(new PlainConnector(), new SharedCacheConnector());

    private KvConnectors() {}

    /** Returns the connector of that name. */
    public static Optional<KvConnector> named(String name) {
        return ALL.stream().filter(connector -> connector.name().equals(name)).findFirst();
    }

    /** Returns the known names. */
    public static List<String> names() {
        return ALL.stream().map(KvConnector::name).toList();
    }
}
