// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import dev.tandem.gateway.it.Mischief.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Stands between the gateway and one engine and spoils requests in the order in which they come: what it does to the
 * n-th follows from the seed. Probes pass unharmed. Thread-safe; every connection has two virtual threads.
 */
final class FaultProxy implements AutoCloseable {
    private static final byte[] POST = "POST ".getBytes(StandardCharsets.US_ASCII);
    private static final int PIECE_BYTES = 16_384;

    private final ServerSocket listener;
    private final URI engine;
    private final long seed;
    private final boolean hostile;
    private final AtomicLong requests = new AtomicLong();
    private final Map<Kind, AtomicLong> done = new EnumMap<>(Kind.class);
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();

    private FaultProxy(URI engine, long seed, boolean hostile) throws IOException {
        this.engine = engine;
        this.seed = seed;
        this.hostile = hostile;
        this.listener = new ServerSocket(0, 512, InetAddress.getLoopbackAddress());
        for (Kind kind : Kind.values()) {
            done.put(kind, new AtomicLong());
        }
    }

    /**
     * Begins to listen on a free loopback port.
     *
     * @param hostile whether it does harm; if not, it is only slow at times
     */
    static FaultProxy start(URI engine, long seed, boolean hostile) {
        try {
            FaultProxy proxy = new FaultProxy(engine, seed, hostile);
            Thread.startVirtualThread(proxy::accept);
            return proxy;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    URI url() {
        return URI.create("http://127.0.0.1:" + listener.getLocalPort());
    }

    /** Returns how many requests have met with a kind of mischief; what an answer is too short for has not happened. */
    long count(Kind kind) {
        return counter(kind).get();
    }

    @Override
    public void close() {
        try {
            listener.close();
            for (Socket socket : sockets) {
                socket.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private AtomicLong counter(Kind kind) {
        return Objects.requireNonNull(done.get(kind));
    }

    private Mischief next() {
        return Mischief.draw(new SplittableRandom(seed + requests.getAndIncrement() * 0x9E3779B97F4A7C15L), hostile);
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket gateway = listener.accept();
                Thread.startVirtualThread(() -> serve(gateway));
            } catch (IOException closed) {
                // by us
            }
        }
    }

    private void serve(Socket gateway) {
        try (gateway;
                Socket server = new Socket(engine.getHost(), engine.getPort())) {
            gateway.setTcpNoDelay(true);
            server.setTcpNoDelay(true);
            sockets.add(gateway);
            sockets.add(server);
            Link link = new Link(gateway, server);
            Thread down = Thread.startVirtualThread(link::answers);
            link.requests();
            down.join();
        } catch (IOException gone) {
            // the engine is down, or one of the two has left
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            sockets.remove(gateway);
        }
    }

    /** One connection of the gateway, with one to the engine. */
    private final class Link {
        private final Socket gateway;
        private final Socket server;
        private volatile Passage passage = new Passage(Mischief.NONE);

        private Link(Socket gateway, Socket server) {
            this.gateway = gateway;
            this.server = server;
        }

        /** Passes requests on until the gateway has left, and leaves the engine then. */
        private void requests() throws IOException {
            try {
                InputStream in = gateway.getInputStream();
                byte[] piece = new byte[PIECE_BYTES];
                for (int read = in.read(piece); read >= 0 && passes(piece, read); read = in.read(piece)) {
                    server.getOutputStream().write(piece, 0, read);
                }
            } finally {
                server.close();
            }
        }

        private boolean passes(byte[] piece, int read) {
            if (begins(piece, read)) {
                passage = new Passage(next());
            }
            if (passage.mischief.kind() == Kind.NEVER_SENT) {
                passage.happens();
                reset();
                return false;
            }
            return true;
        }

        /** Passes answers on until the engine closes, or mischief ends them. */
        private void answers() {
            try {
                InputStream in = server.getInputStream();
                byte[] piece = new byte[PIECE_BYTES];
                int read = in.read(piece);
                while (read >= 0) {
                    if (!passage.pass(piece, read, this)) {
                        return;
                    }
                    read = in.read(piece);
                }
                gateway.close();
            } catch (IOException gone) {
                reset();
            } finally {
                sockets.remove(server);
            }
        }

        private void reset() {
            try {
                gateway.setSoLinger(true, 0);
                gateway.close();
            } catch (IOException closed) {
                // it is gone
            }
        }

        private static boolean begins(byte[] piece, int read) {
            return read >= POST.length && Arrays.equals(piece, 0, POST.length, POST, 0, POST.length);
        }
    }

    /** One answer on its way. */
    private final class Passage {
        private final Mischief mischief;
        private final SplittableRandom pauses;
        private int passed;

        private Passage(Mischief mischief) {
            this.mischief = mischief;
            this.pauses = new SplittableRandom(mischief.nanos());
        }

        private void happens() {
            counter(mischief.kind()).incrementAndGet();
        }

        /** Passes a piece on, or as much of it as may pass; returns whether more may come. */
        private boolean pass(byte[] piece, int read, Link link) throws IOException {
            OutputStream out = link.gateway.getOutputStream();
            boolean first = passed == 0;
            int before = Math.max(0, mischief.at() - passed);
            passed += read;
            switch (mischief.kind()) {
                case NONE, NEVER_SENT -> out.write(piece, 0, read);
                case LATE -> {
                    LockSupport.parkNanos(pauses.nextLong(mischief.nanos()));
                    out.write(piece, 0, read);
                }
                case SLICED -> {
                    int slices = Math.min(before, read);
                    for (int i = 0; i < slices; i++) {
                        out.write(piece[i]);
                    }
                    out.write(piece, slices, read - slices);
                }
                case CORRUPT_HEAD -> {
                    if (first) {
                        piece["HTTP".length()] = '?';
                    }
                    out.write(piece, 0, read);
                }
                case RESET, CUT, HALF_CLOSED, BLACK_HOLE -> {
                    out.write(piece, 0, Math.min(before, read));
                    if (read > before) {
                        happens();
                        end(link);
                        return false;
                    }
                    return true;
                }
            }
            if (first) {
                happens();
            }
            return true;
        }

        private void end(Link link) throws IOException {
            switch (mischief.kind()) {
                case RESET -> link.reset();
                case CUT -> link.gateway.close();
                case HALF_CLOSED -> link.gateway.shutdownOutput();
                case BLACK_HOLE, NONE, LATE, SLICED, NEVER_SENT, CORRUPT_HEAD -> {}
            }
        }
    }
}
