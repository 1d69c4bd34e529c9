// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import dev.tandem.core.lifecycle.EngineMessageListener;
import dev.tandem.core.lifecycle.EngineMessageListener.Message;
import dev.tandem.core.lifecycle.EngineMessageListener.Verdict;
import dev.tandem.core.time.Ticker;
import java.net.InetAddress;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Listens to LMCache's prefill workers, which tell when a KV cache has reached the decode worker: a ZeroMQ PULL socket.
 * Thread-safe.
 *
 * <p>Source: LMCache, {@code examples/disagg_prefill/disagg_proxy_server.py}, 2025-07 to 2026.
 */
public final class ProxyNotifications implements AutoCloseable {
    /** One for each rank of each request. */
    private static final int NOTICES_PER_SECOND = 10_000;

    private static final Set<String> TYPES = Set.of("ProxyNotif", "NixlProxyNotif");

    private final ZmqListener socket;

    private ProxyNotifications(ZmqListener socket) {
        this.socket = socket;
    }

    /**
     * Starts listening.
     *
     * @param settings where, and to whom
     * @param notices takes the notices
     * @param ticker time for limits
     * @param listener learns what became of messages that are no notices
     * @throws java.io.UncheckedIOException if it cannot
     */
    public static ProxyNotifications open(
            ListenerSettings settings, Notices notices, Ticker ticker, EngineMessageListener listener) {
        Inbox inbox = new Inbox() {
            @Override
            public void onMessage(InetAddress from, byte[] message) {
                try {
                    String key = key(MessageMap.read(message));
                    if (key == null) {
                        onRefused(Verdict.UNKNOWN);
                    } else {
                        notices.onNotice(key);
                    }
                } catch (MalformedMessageException e) {
                    onRefused(Verdict.MALFORMED);
                }
            }

            @Override
            public void onRefused(Verdict why) {
                listener.onMessage(Message.NOTICE, why);
            }
        };
        return new ProxyNotifications(
                ZmqListener.open(ZmtpReceiver.Kind.PULL, settings, NOTICES_PER_SECOND, ticker, inbox));
    }

    /** Returns the port. */
    public int port() {
        return socket.port();
    }

    @Override
    public void close() {
        socket.close();
    }

    private static @Nullable String key(MessageMap map) {
        String type = map.text("type");
        return type != null && TYPES.contains(type) ? map.text("req_id") : null;
    }
}
