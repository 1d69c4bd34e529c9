// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The file of one saved slot. Immutable.
 *
 * <p>Layout, big-endian: 8 bytes magic, the model's name as a 4-byte length and UTF-8, the number of tokens in 4 bytes,
 * per token 4 bytes id and 8 bytes KV. The format is the simulator's own: llama-server's holds the KV itself and no
 * name. As there, a file that is cut or no such file is refused, and changed bytes are not noticed (run on 2026-11-21).
 * A file is written under another name and renamed, so a reader sees a whole file or none.
 */
final class SlotFile {
    private static final byte[] MAGIC = "TNDMSLOT".getBytes(StandardCharsets.US_ASCII);
    private static final int MOST_NAME_BYTES = 4_096;
    private static final int TOKEN_BYTES = Integer.BYTES + Long.BYTES;
    private static final Pattern FORBIDDEN = Pattern.compile("[\\x00-\\x1f\\x7f/\\\\:*?\"<>|]");
    private static final int MOST_FILE_NAME = 255;

    private final Path folder;
    private final String model;

    /**
     * What a slot holds.
     *
     * @param tokens The tokens.
     * @param kv The KV of each token.
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Content(int[] tokens, long[] kv) {}

    /**
     * What a file says.
     *
     * @param model Name of the model whose KV it is.
     * @param content Tokens and KV.
     * @param bytes Length of the file.
     */
    record Loaded(String model, Content content, long bytes) {}

    SlotFile(Path folder, String model) {
        this.folder = folder;
        this.model = model;
    }

    /** Returns true for a file name that llama-server accepts: one path part without characters that shells dislike. */
    static boolean nameAllowed(String name) {
        return !name.isEmpty()
                && name.length() <= MOST_FILE_NAME
                && !FORBIDDEN.matcher(name).find()
                && !name.contains("..")
                && !name.equals(".")
                && !name.startsWith(" ")
                && !name.endsWith(" ")
                && !name.endsWith(".");
    }

    /** Writes a file and returns its length in bytes. */
    long write(String name, Content content) throws IOException {
        byte[] modelName = model.getBytes(StandardCharsets.UTF_8);
        int length = MAGIC.length + 8 + modelName.length + content.tokens.length * TOKEN_BYTES;
        ByteBuffer out =
                ByteBuffer.allocate(length).put(MAGIC).putInt(modelName.length).put(modelName);
        out.putInt(content.tokens.length);
        for (int i = 0; i < content.tokens.length; i++) {
            out.putInt(content.tokens[i]).putLong(content.kv[i]);
        }
        Path temporary = Files.createTempFile(folder, "slot", ".tmp");
        Files.write(temporary, out.array());
        Files.move(temporary, folder.resolve(name), StandardCopyOption.ATOMIC_MOVE);
        return length;
    }

    /** Reads a file; null if it is missing, cut or not of this format. */
    @Nullable
    Loaded read(String name) {
        try {
            byte[] bytes = Files.readAllBytes(folder.resolve(name));
            return parse(ByteBuffer.wrap(bytes));
        } catch (IOException | BufferUnderflowException e) {
            return null;
        }
    }

    private static @Nullable Loaded parse(ByteBuffer in) {
        byte[] magic = new byte[MAGIC.length];
        int nameLength = in.get(magic).getInt();
        if (!Arrays.equals(magic, MAGIC) || nameLength < 0 || nameLength > MOST_NAME_BYTES) {
            return null;
        }
        byte[] name = new byte[nameLength];
        int count = in.get(name).getInt();
        if (count < 0 || (long) count * TOKEN_BYTES != in.remaining()) {
            return null;
        }
        int[] tokens = new int[count];
        long[] kv = new long[count];
        for (int i = 0; i < count; i++) {
            tokens[i] = in.getInt();
            kv[i] = in.getLong();
        }
        return new Loaded(new String(name, StandardCharsets.UTF_8), new Content(tokens, kv), in.limit());
    }
}
