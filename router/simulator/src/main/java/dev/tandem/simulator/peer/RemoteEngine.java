// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.peer;

import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.peer.Frames.Body;
import dev.tandem.simulator.peer.Frames.Frame;
import dev.tandem.simulator.peer.Frames.Kind;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.List;

/** A connection to the side channel of another engine. Confined to one thread, which blocks. */
public final class RemoteEngine implements AutoCloseable {
    /** vLLM's handshake time-out, seen as the 5 s after which a wrong address fails (2026-11-21). */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final Socket socket = new Socket();

    private RemoteEngine() {}

    /** Connects and checks that the expected engine answers; an empty id stands for any engine. */
    public static RemoteEngine connect(InetSocketAddress address, String engineId, String compatibility)
            throws IOException {
        RemoteEngine remote = new RemoteEngine();
        try {
            remote.socket.setSoTimeout((int) PATIENCE.toMillis());
            remote.socket.setTcpNoDelay(true);
            remote.socket.connect(address, (int) PATIENCE.toMillis());
            remote.ask(Kind.HELLO, fields -> {
                fields.writeUTF(engineId);
                fields.writeUTF(compatibility);
            });
            return remote;
        } catch (IOException e) {
            remote.close();
            throw e;
        }
    }

    /** Reads blocks; empty if one of them does not exist. */
    public List<Handover.Block> read(List<Integer> ids) throws IOException {
        DataInputStream answer = ask(Kind.READ, fields -> {
            fields.writeInt(ids.size());
            for (int id : ids) {
                fields.writeInt(id);
            }
        });
        return Frames.readBlocks(answer);
    }

    /** Says that the blocks of a request are not needed any more. */
    public void done(String requestId) throws IOException {
        ask(Kind.DONE, fields -> fields.writeUTF(requestId));
    }

    /** Says that somebody still waits for the blocks of a request. */
    public void waiting(String requestId) throws IOException {
        ask(Kind.WAITING, fields -> fields.writeUTF(requestId));
    }

    /** Asks whether parameters may be used for a prompt, which uses them up. */
    public Ledger.Verdict claim(String requestId, long digest, long prompt) throws IOException {
        DataInputStream answer = ask(Kind.CLAIM, fields -> {
            fields.writeUTF(requestId);
            fields.writeLong(digest);
            fields.writeLong(prompt);
        });
        return verdict(answer);
    }

    private static Ledger.Verdict verdict(DataInputStream answer) throws IOException {
        String verdict = answer.readUTF();
        try {
            return Ledger.Verdict.valueOf(verdict);
        } catch (IllegalArgumentException e) {
            throw new IOException("unknown verdict", e);
        }
    }

    /** Puts blocks into the mailbox of the other engine. */
    public void push(String name, List<Handover.Block> blocks) throws IOException {
        ask(Kind.PUSH, fields -> {
            fields.writeUTF(name);
            Frames.writeBlocks(fields, blocks);
        });
    }

    /** Takes blocks out of the mailbox of the other engine; empty if they are not there in time, below 5 s. */
    public List<Handover.Block> take(String name, Duration time) throws IOException {
        return Frames.readBlocks(ask(Kind.TAKE, fields -> {
            fields.writeUTF(name);
            fields.writeLong(time.toMillis());
        }));
    }

    /** Waits until the other engine has what is meant by a name, without bound; {@link #leave} and closing end that. */
    public Host.Offer meet(String name) throws IOException {
        socket.setSoTimeout(0);
        DataInputStream answer = ask(Kind.MEET, fields -> fields.writeUTF(name));
        socket.setSoTimeout((int) PATIENCE.toMillis());
        return new Host.Offer(answer.readUTF(), Frames.readBlocks(answer));
    }

    /** Says that nobody will come for what is meant by a name. */
    public void leave(String name) throws IOException {
        Frames.write(socket.getOutputStream(), Kind.LEFT, fields -> fields.writeUTF(name));
    }

    /** Asks whether a decode leg with this prompt may come for what is meant by a name, which uses the name up. */
    public Ledger.Verdict judge(String name, long prompt) throws IOException {
        return verdict(ask(Kind.JUDGE, fields -> {
            fields.writeUTF(name);
            fields.writeLong(prompt);
        }));
    }

    /** Reads the cached blocks with which a prompt starts. */
    public List<Handover.Block> lookUp(int[] prompt, String salt) throws IOException {
        return Frames.readBlocks(ask(Kind.LOOK_UP, fields -> {
            fields.writeUTF(salt);
            fields.writeInt(prompt.length);
            for (int token : prompt) {
                fields.writeInt(token);
            }
        }));
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }

    private DataInputStream ask(Kind kind, Body body) throws IOException {
        Frames.write(socket.getOutputStream(), kind, body);
        Frame answer = Frames.read(socket.getInputStream());
        if (answer.kind() != Kind.OK) {
            throw new IOException(
                    answer.kind() == Kind.REFUSED ? answer.fields().readUTF() : "unexpected answer");
        }
        return answer.fields();
    }
}
