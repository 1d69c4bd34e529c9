// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import dev.tandem.core.lifecycle.EngineMessageListener;
import dev.tandem.core.lifecycle.EngineMessageListener.Message;
import dev.tandem.core.lifecycle.EngineMessageListener.Verdict;
import dev.tandem.core.time.Ticker;
import java.net.InetAddress;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens to engines that say that they are there: a ZeroMQ ROUTER that answers nobody. Thread-safe.
 *
 * <p>Engines cannot show a secret here. What protects the fleet is who may connect, and that an engine can announce
 * nothing but the address it comes from.
 */
public final class Registry implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Registry.class);

    /** A machine full of engines sends a few; each pings every 3 s. */
    private static final int PINGS_PER_SECOND = 100;

    private static final Duration PRUNING = Duration.ofMillis(500);
    private static final Duration BETWEEN_WARNINGS = Duration.ofSeconds(10);

    private final AddressRanges allowed;
    private final Rules rules;
    private final EngineTable table;
    private final Ticker ticker;
    private final EngineMessageListener listener;
    private final ZmqListener socket;
    private long warned;

    private Registry(
            ListenerSettings settings, Rules rules, Ticker ticker, EngineMessageListener listener, Watcher watcher) {
        this.allowed = settings.allowed();
        this.rules = rules;
        this.table = new EngineTable(rules.mostEngines(), ticker, watcher);
        this.ticker = ticker;
        this.listener = listener;
        this.warned = ticker.nanoTime() - BETWEEN_WARNINGS.toNanos();
        this.socket = ZmqListener.open(ZmtpReceiver.Kind.ROUTER, settings, PINGS_PER_SECOND, ticker, new Pings());
        socket.every(PRUNING, this::prune);
    }

    /**
     * Starts listening.
     *
     * @param settings where, and to whom
     * @param rules what an engine may announce
     * @param ticker time of pings
     * @param listener learns what became of each message
     * @param watcher follows the registered engines, on the listener's thread
     * @throws java.io.UncheckedIOException if it cannot
     */
    public static Registry open(
            ListenerSettings settings, Rules rules, Ticker ticker, EngineMessageListener listener, Watcher watcher) {
        return new Registry(settings, rules, ticker, listener, watcher);
    }

    /** Returns the port. */
    public int port() {
        return socket.port();
    }

    @Override
    public void close() {
        socket.close();
    }

    /** Forgets the engines whose pings have stopped, as far as they are not well. */
    void prune() {
        table.prune();
    }

    private Verdict judge(InetAddress from, byte[] message) {
        try {
            Announcement announced = Announcement.read(message);
            if (announced == null) {
                return Verdict.UNKNOWN;
            }
            boolean credible = announced.hosts().stream().allMatch(host -> credible(host, from));
            Verdict verdict = credible ? table.onPing(announced.engine()) : Verdict.REFUSED;
            if (verdict != Verdict.ACCEPTED) {
                warn(verdict, from, announced.engine());
            }
            return verdict;
        } catch (MalformedMessageException e) {
            return Verdict.MALFORMED;
        }
    }

    /** Requests and keys of clients go to where an engine says it is. */
    private boolean credible(InetAddress announced, InetAddress from) {
        if (announced.isAnyLocalAddress() || announced.isLinkLocalAddress() || announced.isMulticastAddress()) {
            return false;
        }
        if (rules.onlyOwnAddress()) {
            return announced.equals(from);
        }
        return allowed.contain(announced) && (from.isLoopbackAddress() || !announced.isLoopbackAddress());
    }

    /** On the listener's thread, as everything that changes this. */
    private void warn(Verdict verdict, InetAddress from, RegisteredEngine engine) {
        long now = ticker.nanoTime();
        if (now - warned >= BETWEEN_WARNINGS.toNanos()) {
            warned = now;
            LOG.warn(
                    "engine not registered verdict={} from={} url={} kv={}",
                    verdict,
                    from.getHostAddress(),
                    engine.baseUrl(),
                    engine.kv().hostAndPort());
        }
    }

    /** Follows the registered engines. Must not block or throw. */
    @FunctionalInterface
    public interface Watcher {
        /** Other engines are registered than before. */
        void onChange(List<RegisteredEngine> engines);

        /** Whether an engine passes its probes, so that it stays though its pings have stopped. */
        default boolean passesProbes(URI baseUrl) {
            return false;
        }
    }

    /**
     * What an engine may announce.
     *
     * @param mostEngines most engines at a time
     * @param onlyOwnAddress whether the addresses that an engine announces must be the one it connects from; where they
     *     need not be, they must at least be allowed
     */
    public record Rules(int mostEngines, boolean onlyOwnAddress) {}

    private final class Pings implements Inbox {
        @Override
        public void onMessage(InetAddress from, byte[] message) {
            listener.onMessage(Message.REGISTRATION, judge(from, message));
        }

        @Override
        public void onRefused(Verdict why) {
            listener.onMessage(Message.REGISTRATION, why);
        }
    }
}
