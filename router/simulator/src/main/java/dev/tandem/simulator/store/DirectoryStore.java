// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.store;

import dev.tandem.simulator.text.ContentHash;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.OptionalLong;

/**
 * A KV store in a directory: one small file per block, so that processes and containers share it. Thread-safe.
 *
 * <p>Layout: {@code <root>/<model, unsafe characters replaced>_<digest>/<hh>/<16 hex digits of the key>.bin}; the
 * digest covers the model's name as passed and the block size. A file holds {@value #WORDS} big-endian longs that are
 * derived from the block's content and stand for its KV. They are written to a temporary file and renamed, so a reader
 * sees a whole file or none. Changed bytes are not noticed: as with a real engine, they are loaded and change the text.
 */
public final class DirectoryStore implements KvStore {
    static final int WORDS = 8;

    private final Path folder;

    /** Opens the store for one model and block size below {@code root}; makes the folders it needs. */
    public DirectoryStore(Path root, String model, int blockSize) {
        String name = model.replaceAll("[^A-Za-z0-9._-]", "-");
        this.folder = root.resolve(name + "_" + hex(ContentHash.of(model, Integer.toString(blockSize))));
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot make KV store " + folder, e);
        }
    }

    @Override
    public OptionalLong load(long key) {
        try {
            byte[] bytes = Files.readAllBytes(file(key));
            return bytes.length == WORDS * Long.BYTES ? OptionalLong.of(contentOf(bytes)) : OptionalLong.empty();
        } catch (NoSuchFileException e) {
            return OptionalLong.empty();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read KV block " + hex(key), e);
        }
    }

    @Override
    public void store(long key, long content) {
        Path file = file(key);
        if (Files.exists(file)) {
            return;
        }
        try {
            Files.createDirectories(file.getParent());
            Path temporary = Files.createTempFile(file.getParent(), hex(key), ".tmp");
            Files.write(temporary, bytesOf(content));
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write KV block " + hex(key), e);
        }
    }

    private Path file(long key) {
        String name = hex(key);
        return folder.resolve(name.substring(0, 2)).resolve(name + ".bin");
    }

    private static byte[] bytesOf(long content) {
        ByteBuffer bytes = ByteBuffer.allocate(WORDS * Long.BYTES).putLong(content);
        for (int i = 1; i < WORDS; i++) {
            bytes.putLong(ContentHash.mix(content, i));
        }
        return bytes.array();
    }

    private static long contentOf(byte[] bytes) {
        long content = ByteBuffer.wrap(bytes).getLong();
        return Arrays.equals(bytes, bytesOf(content)) ? content : ContentHash.of(bytes);
    }

    private static String hex(long value) {
        return "%016x".formatted(value);
    }
}
