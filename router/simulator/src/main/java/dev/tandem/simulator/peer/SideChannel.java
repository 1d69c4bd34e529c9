// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.peer;

import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.peer.Frames.Frame;
import dev.tandem.simulator.peer.Frames.Kind;
import dev.tandem.simulator.transfer.Line;
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
import java.util.concurrent.CompletionStage;
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
    /** Says that a frame of more than all bytes follows. */
    private static final byte[] GARBAGE = {127, 'g', 'a', 'r', 'b', 'a', 'g', 'e'};

    private static final int BACKLOG = 512;
    private static final int ATTEMPTS = 50;
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final ServerSocket server;
    private final Set<Socket> connections = ConcurrentHashMap.newKeySet();
    private final Peer peer;
    private final Thread acceptor;
    /** A closed socket may still accept a connection that was on its way. */
    private volatile boolean closed;

    private SideChannel(String host, int port, Peer peer) throws IOException {
        this.peer = peer;
        this.server = listen(InetAddress.getByName(host), port);
        this.acceptor = Thread.ofVirtual().unstarted(this::accept);
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
            acceptor.join(PATIENCE); // the port is free when nobody accepts there any more
        } catch (IOException e) {
            throw new UncheckedIOException("cannot close the KV side channel", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket connection = server.accept();
                connection.setTcpNoDelay(true);
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
        Set<CompletableFuture<Host.Offer>> visits = ConcurrentHashMap.newKeySet();
        try (connection) {
            InputStream in = connection.getInputStream();
            OutputStream out = connection.getOutputStream();
            if (broken(connection, in, out)) {
                return;
            }
            while (answer(Frames.read(in), out, visits)) {
                // until the peer leaves or is refused
            }
        } catch (IOException e) {
            // the peer has left, or this engine has been closed
        } finally {
            connections.remove(connection);
            visits.forEach(visit -> visit.cancel(false));
        }
    }

    /** Does what the line is told to; returns false if the peer is served. */
    private boolean broken(Socket connection, InputStream in, OutputStream out) throws IOException {
        Line line = peer.site().line().get();
        if (line == Line.GOOD) {
            return false;
        }
        if (line != Line.DEAD) {
            Frames.read(in);
        }
        switch (line) {
            case GOOD, DEAD, RESET -> connection.setSoLinger(true, 0);
            case SILENT -> in.transferTo(OutputStream.nullOutputStream());
            case GARBLED -> {
                out.write(GARBAGE);
                in.transferTo(OutputStream.nullOutputStream());
            }
            case REFUSED -> Frames.write(out, Kind.REFUSED, answer -> answer.writeUTF("nobody knows of that"));
        }
        return true;
    }

    private boolean answer(Frame frame, OutputStream out, Set<CompletableFuture<Host.Offer>> visits)
            throws IOException {
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
            case MEET -> visits.add(meet(frame.fields(), out));
            case LEFT -> peer.host().left(frame.fields().readUTF());
            case JUDGE -> {
                Ledger.Verdict verdict = peer.host()
                        .judge(frame.fields().readUTF(), frame.fields().readLong());
                Frames.write(out, Kind.OK, answer -> answer.writeUTF(verdict.name()));
            }
            case LOOK_UP -> lookUp(frame.fields(), out);
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

    /** The answer may come long after; until then the peer says at most that it has left. */
    private CompletableFuture<Host.Offer> meet(DataInputStream fields, OutputStream out) throws IOException {
        CompletableFuture<Host.Offer> visit = peer.host().meet(fields.readUTF());
        CompletionStage<Host.Offer> met = visit;
        met.thenAccept(offer -> Thread.startVirtualThread(() -> {
            try {
                Frames.write(out, Kind.OK, answer -> {
                    answer.writeUTF(offer.hold());
                    Frames.writeBlocks(answer, offer.blocks());
                });
            } catch (IOException e) {
                // the peer has left: what was offered stays until its time ends
            }
        }));
        return visit;
    }

    private void lookUp(DataInputStream fields, OutputStream out) throws IOException {
        String salt = fields.readUTF();
        int[] prompt = new int[fields.readInt()];
        for (int i = 0; i < prompt.length; i++) {
            prompt[i] = fields.readInt();
        }
        List<Handover.Block> blocks = await(peer.site().engine().cached(prompt, salt));
        Frames.write(out, Kind.OK, answer -> Frames.writeBlocks(answer, blocks));
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
