// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import dev.tandem.bench.Proxies;
import java.io.IOException;
import java.util.List;

/**
 * Ports of the gateway to which engines speak on their own. Immutable.
 *
 * @param http Notices and calls over HTTP.
 * @param notices Notices over ZeroMQ.
 * @param registry Registrations over ZeroMQ.
 */
record Listeners(int http, int notices, int registry) {
    static Listeners onFreePorts() throws IOException {
        return new Listeners(Proxies.freePort(), Proxies.freePort(), Proxies.freePort());
    }

    /** Returns the settings that open them. */
    List<String> settings() {
        return List.of(
                "--tandem.handover.http.enabled=true",
                "--tandem.handover.http.port=" + http,
                "--tandem.handover.notifications.enabled=true",
                "--tandem.handover.notifications.port=" + notices,
                "--tandem.handover.registry.enabled=true",
                "--tandem.handover.registry.port=" + registry);
    }
}
