// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

/**
 * No hand-over: every worker serves whole requests, whatever its role. Immutable.
 *
 * <p>For fleets of one role, for engines without a KV connector, and for a first look at two of them side by side.
 */
final class PlainConnector implements KvConnector {
    @Override
    public String name() {
        return "plain";
    }

    @Override
    public boolean handsOver() {
        return false;
    }

    @Override
    public Exchange plan(Pairing pairing) {
        return new Exchange.Single(new Leg(pairing.decode().worker(), pairing.api(), BodyEdits.NONE));
    }

    @Override
    public AfterPrefillFailure afterPrefillFailure() {
        return AfterPrefillFailure.FAIL;
    }
}
