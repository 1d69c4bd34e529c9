// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;

/** Finds ports for what must know them before it listens. */
final class FreePort {
    private FreePort() {}

    /** Returns a port on which nobody listens on this machine at the moment. */
    static int any() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
