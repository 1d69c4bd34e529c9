// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

import java.util.List;
import java.util.Optional;

/** The catalogue of connectors: adding one is one line here. */
public final class KvConnectors {
    /** Hands nothing over. */
    static final KvConnector PLAIN = new PlainConnector();

    /** Every connector, in the order in which they are listed to operators. */
    public static final List<KvConnector> ALL =
            List.of(PLAIN, new SharedCacheConnector(), new NixlConnector(), new LlamacppSlotConnector());

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
