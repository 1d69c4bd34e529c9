// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

import dev.tandem.core.disagg.connector.AscendLayerwiseConnector;
import dev.tandem.core.disagg.connector.LlamacppSlotConnector;
import dev.tandem.core.disagg.connector.LmcacheMpConnector;
import dev.tandem.core.disagg.connector.LmcachePdConnector;
import dev.tandem.core.disagg.connector.MooncakeConnector;
import dev.tandem.core.disagg.connector.MoriioConnector;
import dev.tandem.core.disagg.connector.NixlConnector;
import dev.tandem.core.disagg.connector.NixlPushConnector;
import dev.tandem.core.disagg.connector.OffloadP2pConnector;
import dev.tandem.core.disagg.connector.P2pNcclConnector;
import dev.tandem.core.disagg.connector.PlainConnector;
import dev.tandem.core.disagg.connector.SglangConnector;
import dev.tandem.core.disagg.connector.SharedCacheConnector;
import java.util.List;
import java.util.Optional;

/** The catalogue of connectors: adding one is one line here. */
public final class KvConnectors {
    /** Hands nothing over. */
    static final KvConnector PLAIN = new PlainConnector();

    /** Every connector, in the order in which they are listed to operators. */
    public static final List<KvConnector> ALL = List.of(
            PLAIN,
            new SharedCacheConnector(),
            new NixlConnector(),
            new NixlPushConnector(),
            new LmcacheMpConnector(),
            new LmcachePdConnector(LmcachePdConnector.Variant.FIRST_TOKEN_FROM_DECODE),
            new LmcachePdConnector(LmcachePdConnector.Variant.FIRST_TOKEN_FROM_PREFILL),
            new LmcachePdConnector(LmcachePdConnector.Variant.NOTIFIED),
            new P2pNcclConnector(),
            new MooncakeConnector(),
            new MoriioConnector(MoriioConnector.Mode.READ),
            new MoriioConnector(MoriioConnector.Mode.WRITE),
            new SglangConnector(),
            new OffloadP2pConnector(OffloadP2pConnector.Form.PAIRED),
            new OffloadP2pConnector(OffloadP2pConnector.Form.PULL),
            new LlamacppSlotConnector(),
            new AscendLayerwiseConnector());

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
