// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.transfer;

import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.transfer.Frames.Frame;
import dev.tandem.simulator.transfer.Frames.Kind;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The socket at which other engines read this engine's blocks, or push theirs. Thread-safe; every connection has a
 * virtual thread.
 *
 * <p>Blocks are read by their ids alone, as remote memory is: whether they still hold what the reader wants is not
 * checked.
 */
public final class SideChannel implements AutoCloseable {
    private static final int BACKLOG = 512;
    private static final int ATTEMPTS = 50;
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final ServerSocket server;
    private final Set<Socket> connections = ConcurrentHashMap.newKeySet();
    private final Peer peer;
    private final Thread acceptor = Thread.ofVirtual().unstarted(this::accept);
    /** A closed socket may still accept a connection that was on its way. */
    private volatile boolean closed;

    private SideChannel(String host, int port, Peer peer) throws IOException {
        this.peer = peer;
        this.server = listen(InetAddress.getByName(host), port);
    }

    /**
     * A port that is left to us lies below those that the system gives to outgoing connections: one of these could take
     * it while the engine restarts.
     */
    private static ServerSocket listen(InetAddress host, int port) throws IOException {
        if (port != 0) {
            return new ServerSocket(port, BACKLOG, host);
        }
        for (int i = 0; i < ATTEMPTS; i++) {
            try {
                return new ServerSocket(ThreadLocalRandom.current().nextInt(20_000, 32_000), BACKLOG, host);
            } catch (BindException taken) {
                // the next one
            }
        }
        return new ServerSocket(0, BACKLOG, host);
    }

    /** Listens on an address; port 0 means any free one. */
    public static SideChannel open(String host, int port, Peer peer) {
        try {
            SideChannel channel = new SideChannel(host, port, peer);
            channel.acceptor.start();
            return channel;
        } catch (IOException e) {
            throw new UncheckedIOException("KV side channel " + host + ":" + port + ": " + e.getMessage(), e);
        }
    }

    /** Returns the port that is listened on. */
    public int port() {
        return server.getLocalPort();
    }

    @Override
    public void close() {
        closed = true;
        try {
            server.close();
            for (Socket connection : connections) {
                connection.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot close the KV side channel", e);
        }
        awaitAcceptor();
    }

    /** The port is taken until the thread that accepts has seen the end. */
    private void awaitAcceptor() {
        try {
            acceptor.join(PATIENCE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket connection = server.accept();
                connections.add(connection);
                if (closed) {
                    connection.close();
                } else {
                    Thread.startVirtualThread(() -> serve(connection));
                }
            } catch (IOException e) {
                // closed, or the peer has left before it was accepted
            }
        }
    }

    private void serve(Socket connection) {
        try (connection) {
            InputStream in = connection.getInputStream();
            OutputStream out = connection.getOutputStream();
            while (answer(Frames.read(in), out)) {
                // until the peer leaves or is refused
            }
        } catch (IOException e) {
            // the peer has left, or this engine has been closed
        } finally {
            connections.remove(connection);
        }
    }

    private boolean answer(Frame frame, OutputStream out) throws IOException {
        switch (frame.kind()) {
            case HELLO -> {
                return hello(frame.fields(), out);
            }
            case READ -> read(frame.fields(), out);
            case DONE -> {
                String id = frame.fields().readUTF();
                peer.ledger().use(id);
                peer.site().engine().dropKept(id);
                Frames.write(out, Kind.OK, fields -> {});
            }
            case WAITING -> {
                peer.site().engine().extendKept(frame.fields().readUTF(), peer.extension());
                Frames.write(out, Kind.OK, fields -> {});
            }
            case CLAIM -> claim(frame.fields(), out);
            case PUSH -> {
                peer.mailbox().put(frame.fields().readUTF(), Frames.readBlocks(frame.fields()));
                Frames.write(out, Kind.OK, fields -> {});
            }
            case TAKE -> take(frame.fields(), out);
            case OK, REFUSED -> throw new IOException("unexpected frame " + frame.kind());
        }
        return true;
    }

    private boolean hello(DataInputStream fields, OutputStream out) throws IOException {
        String wanted = fields.readUTF();
        String theirs = fields.readUTF();
        String compatibility = peer.site().compatibility();
        boolean meant = wanted.isEmpty() || wanted.equals(peer.site().engineId());
        String refusal = meant
                ? "compatibility: " + compatibility + " (expected: " + theirs + ")"
                : "engine id: " + peer.site().engineId() + " (expected: " + wanted + ")";
        boolean good = meant && theirs.equals(compatibility);
        Frames.write(out, good ? Kind.OK : Kind.REFUSED, answer -> {
            if (!good) {
                answer.writeUTF(refusal);
            }
        });
        return good;
    }

    private void read(DataInputStream fields, OutputStream out) throws IOException {
        List<Integer> ids = new ArrayList<>();
        for (int left = fields.readInt(); left > 0; left--) {
            ids.add(fields.readInt());
        }
        List<Handover.Block> blocks = await(peer.site().engine().read(ids));
        Frames.write(out, Kind.OK, answer -> Frames.writeBlocks(answer, blocks));
    }

    private void take(DataInputStream fields, OutputStream out) throws IOException {
        String name = fields.readUTF();
        Duration time = Duration.ofMillis(fields.readLong());
        List<Handover.Block> blocks = taken(name, time);
        Frames.write(out, Kind.OK, answer -> Frames.writeBlocks(answer, blocks));
    }

    private List<Handover.Block> taken(String name, Duration time) throws IOException {
        try {
            List<Handover.Block> blocks = peer.mailbox().letter(name).get(time.toMillis(), TimeUnit.MILLISECONDS);
            peer.mailbox().remove(name);
            return blocks;
        } catch (TimeoutException e) {
            return List.of();
        } catch (ExecutionException e) {
            throw new IOException("nothing will come", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private void claim(DataInputStream fields, OutputStream out) throws IOException {
        String id = fields.readUTF();
        long digest = fields.readLong();
        long prompt = fields.readLong();
        boolean kept = await(peer.site().engine().keeps(id));
        Ledger.Verdict verdict = peer.ledger().claim(id, digest, prompt, kept);
        Frames.write(out, Kind.OK, answer -> answer.writeUTF(verdict.name()));
    }

    private static <T> T await(CompletableFuture<T> answer) throws IOException {
        try {
            return answer.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IOException("engine does not answer", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}
