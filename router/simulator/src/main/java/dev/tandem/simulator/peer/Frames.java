// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.peer;

import dev.tandem.simulator.engine.Handover;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Frames of the side channel: four bytes of length, the name of what it is, then the fields in Java's data format. It
 * stands in for the handshakes, transfers and notifications of vLLM's connectors.
 */
final class Frames {
    /** Longest frame; a million tokens in blocks of 16 fit. */
    private static final int MOST_BYTES = 16 << 20;

    private Frames() {}

    /** What a frame asks for or answers. */
    enum Kind {
        /** Engine id and compatibility text; answered by {@link #OK} or {@link #REFUSED}. */
        HELLO,
        /** Block ids; answered by {@link #OK} with their contents. */
        READ,
        /** Request id whose blocks are not needed any more; answered by {@link #OK}. */
        DONE,
        /** Request id that somebody waits for; answered by {@link #OK}. */
        WAITING,
        /** Request id, digest of its parameters and of the prompt; answered by {@link #OK} with a verdict. */
        CLAIM,
        /** Name and block contents, to be put into the mailbox; answered by {@link #OK}. */
        PUSH,
        /** Name and milliseconds to wait for it; answered by {@link #OK} with block contents, empty if not in time. */
        TAKE,
        /** Name on which a router made both engines agree; answered by {@link #OK} with a hold and its blocks, late. */
        MEET,
        /** Name whose blocks nobody will come for; no answer. */
        LEFT,
        /** Name and digest of the prompt; answered by {@link #OK} with a verdict. */
        JUDGE,
        /** Tokens of a prompt and their salt; answered by {@link #OK} with the contents of its cached blocks. */
        LOOK_UP,
        /** Done. */
        OK,
        /** Not done, with the reason. */
        REFUSED
    }

    /** Writes the fields of a frame. */
    interface Body {
        void write(DataOutputStream out) throws IOException;
    }

    /**
     * A frame that has come.
     *
     * @param kind What it is.
     * @param fields The rest.
     */
    record Frame(Kind kind, DataInputStream fields) {}

    /** Writes a frame at once: TCP would hold the second of two pieces back until the first is acknowledged, 40 ms. */
    static void write(OutputStream out, Kind kind, Body body) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream fields = new DataOutputStream(bytes);
        fields.writeUTF(kind.name());
        body.write(fields);
        byte[] frame = ByteBuffer.allocate(Integer.BYTES + bytes.size())
                .putInt(bytes.size())
                .put(bytes.toByteArray())
                .array();
        out.write(frame);
        out.flush();
    }

    static void writeBlocks(DataOutputStream out, List<Handover.Block> blocks) throws IOException {
        out.writeInt(blocks.size());
        for (Handover.Block block : blocks) {
            out.writeLong(block.content());
            out.writeLong(block.tail());
            out.writeInt(block.tailTokens());
        }
    }

    static List<Handover.Block> readBlocks(DataInputStream in) throws IOException {
        List<Handover.Block> blocks = new ArrayList<>();
        for (int left = in.readInt(); left > 0; left--) {
            blocks.add(new Handover.Block(in.readLong(), in.readLong(), in.readInt()));
        }
        return blocks;
    }

    /** Reads the next frame; throws {@link EOFException} when the peer has closed. */
    static Frame read(InputStream in) throws IOException {
        int length = new DataInputStream(in).readInt();
        if (length < 1 || length > MOST_BYTES) {
            throw new IOException("frame of " + length + " bytes (expected: 1 to " + MOST_BYTES + ")");
        }
        byte[] bytes = in.readNBytes(length);
        if (bytes.length < length) {
            throw new EOFException("frame ends after " + bytes.length + " of " + length + " bytes");
        }
        DataInputStream fields = new DataInputStream(new ByteArrayInputStream(bytes));
        String kind = fields.readUTF();
        try {
            return new Frame(Kind.valueOf(kind), fields);
        } catch (IllegalArgumentException e) {
            throw new IOException("frame of unknown kind", e);
        }
    }
}
