// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg.connector;

import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.KvConnector;
import dev.tandem.core.disagg.Pairing;
import dev.tandem.core.request.ApiKind;

/**
 * No hand-over: every worker serves whole requests, whatever its role. Immutable.
 *
 * <p>For fleets of one role, for engines without a KV connector, and for a first look at two of them side by side.
 */
public final class PlainConnector implements KvConnector {
    @Override
    public String name() {
        return "plain";
    }

    @Override
    public boolean handsOver(ApiKind api) {
        return false;
    }

    @Override
    public Exchange plan(Pairing pairing) {
        return new Exchange.Single(whole(pairing.decode(), pairing.api()));
    }

    @Override
    public AfterPrefillFailure afterPrefillFailure() {
        return AfterPrefillFailure.ROUTE_AGAIN;
    }
}
