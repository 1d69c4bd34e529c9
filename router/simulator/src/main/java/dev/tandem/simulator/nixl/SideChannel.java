// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.nixl;

import dev.tandem.simulator.engine.Engine;
import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.nixl.Frames.Frame;
import dev.tandem.simulator.nixl.Frames.Kind;
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
 * The socket at which other engines read this engine's blocks. Thread-safe; every connection has a virtual thread.
 *
 * <p>Blocks are read by their ids alone, as remote memory is: whether they still hold what the reader wants is not
 * checked.
 */
final class SideChannel implements AutoCloseable {
    private static final int BACKLOG = 512;
    private static final int ATTEMPTS = 50;
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final ServerSocket server;
    private final Set<Socket> connections = ConcurrentHashMap.newKeySet();
    private final NixlConfig config;
    private final String engineId;
    private final String compatibility;
    private final Engine engine;
    private final Ledger ledger;
    /** A closed socket may still accept a connection that was on its way. */
    private volatile boolean closed;

    private SideChannel(NixlConfig config, String engineId, String compatibility, Engine engine, Ledger ledger)
            throws IOException {
        this.config = config;
        this.engineId = engineId;
        this.compatibility = compatibility;
        this.engine = engine;
        this.ledger = ledger;
        this.server = listen(InetAddress.getByName(config.host()), config.port());
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

    /** Listens on the configured address. */
    static SideChannel open(NixlConfig config, String engineId, String compatibility, Engine engine, Ledger ledger) {
        try {
            SideChannel channel = new SideChannel(config, engineId, compatibility, engine, ledger);
            Thread.startVirtualThread(channel::accept);
            return channel;
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "NIXL side channel " + config.host() + ":" + config.port() + ": " + e.getMessage(), e);
        }
    }

    int port() {
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
            throw new UncheckedIOException("cannot close the NIXL side channel", e);
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
                ledger.use(id);
                engine.dropKept(id);
                Frames.write(out, Kind.OK, fields -> {});
            }
            case WAITING -> {
                engine.extendKept(
                        frame.fields().readUTF(), config.lease().multipliedBy(2).dividedBy(3));
                Frames.write(out, Kind.OK, fields -> {});
            }
            case CLAIM -> claim(frame.fields(), out);
            case OK, REFUSED -> throw new IOException("unexpected frame " + frame.kind());
        }
        return true;
    }

    private boolean hello(DataInputStream fields, OutputStream out) throws IOException {
        String wanted = fields.readUTF();
        String theirs = fields.readUTF();
        String refusal = !wanted.equals(engineId)
                ? "engine id: " + engineId + " (expected: " + wanted + ")"
                : "compatibility: " + compatibility + " (expected: " + theirs + ")";
        boolean good = wanted.equals(engineId) && theirs.equals(compatibility);
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
        List<Handover.Block> blocks = await(engine.read(ids));
        Frames.write(out, Kind.OK, answer -> {
            answer.writeInt(blocks.size());
            for (Handover.Block block : blocks) {
                answer.writeLong(block.content());
                answer.writeLong(block.tail());
                answer.writeInt(block.tailTokens());
            }
        });
    }

    private void claim(DataInputStream fields, OutputStream out) throws IOException {
        String id = fields.readUTF();
        long digest = fields.readLong();
        long prompt = fields.readLong();
        Ledger.Verdict verdict = ledger.claim(id, digest, prompt, await(engine.keeps(id)));
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
