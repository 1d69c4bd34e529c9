// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import dev.tandem.core.lifecycle.EngineMessageListener.Verdict;
import java.net.InetAddress;

/** Takes the messages of one ZeroMQ listener, one after the other. Must not block or throw. */
interface Inbox {
    /** A message has come, of one frame. */
    void onMessage(InetAddress from, byte[] message);

    /** A connection or a message was not let in. */
    void onRefused(Verdict why);
}
