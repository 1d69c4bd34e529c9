// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.simulator.engine.VirtualEngine.Answer;
import dev.tandem.simulator.store.DirectoryStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectoryStoreTest {
    private static final String PROMPT = "one two three four five six seven eight nine ten eleven twelve";

    @TempDir
    Path folder;

    private VirtualEngine engine() {
        return new VirtualEngine(
                VirtualEngine.shape(Speed.INSTANT, 4, 64, new DirectoryStore(folder, "some/model", 4)));
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }

    @Test
    void anotherEngineFindsTheBlocksAndSaysTheSame() {
        String text = engine().answer(PROMPT, 10);
        VirtualEngine decode = engine();
        Answer answer = decode.add(PROMPT, 10);
        decode.runToEnd();
        assertThat(answer.text()).isEqualTo(text);
        assertThat(answer.admitted.externalTokens()).isPositive().isEqualTo(answer.admitted.cachedTokens());
        assertThat(decode.stats.count(EngineCounter.EXTERNAL_HITS)).isEqualTo(answer.admitted.externalTokens());
    }

    @Test
    void changedBytesChangeTheText() throws IOException {
        String text = engine().answer(PROMPT, 10);
        Path file = files().getFirst();
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length / 2] ^= 1;
        Files.write(file, bytes);
        assertThat(engine().answer(PROMPT, 10)).isNotEqualTo(text);
    }

    @Test
    void aBlockOfAnotherPromptChangesTheText() throws IOException {
        String text = engine().answer(PROMPT, 10);
        Path file = files().getFirst();
        engine().answer("another prompt that is long enough for a few blocks of its own", 1);
        Path foreign = files().stream()
                .filter(other -> !other.equals(file))
                .findFirst()
                .orElseThrow();
        Files.write(file, Files.readAllBytes(foreign));
        assertThat(engine().answer(PROMPT, 10)).isNotEqualTo(text);
    }

    @Test
    void aFileThatIsCutShortIsNotLoaded() throws IOException {
        String text = engine().answer(PROMPT, 10);
        for (Path file : files()) {
            Files.write(file, new byte[3]);
        }
        VirtualEngine decode = engine();
        Answer answer = decode.add(PROMPT, 10);
        decode.runToEnd();
        assertThat(answer.text()).isEqualTo(text);
        assertThat(answer.admitted.externalTokens()).isZero();
    }

    @Test
    void storesFullPromptBlocksOnlyAndLeavesNoTemporaryFiles() throws IOException {
        VirtualEngine engine = engine();
        Answer answer = engine.add(PROMPT, 10);
        engine.runToEnd();
        assertThat(answer.tokens).hasSize(10);
        int full = answer.admitted.createdTokens() / 4;
        assertThat(files()).hasSize(full).allMatch(file -> file.toString().endsWith(".bin"));
    }

    @Test
    void modelsAndBlockSizesDoNotMix() {
        DirectoryStore store = new DirectoryStore(folder, "a", 16);
        store.store(7, 8);
        assertThat(store.load(7)).hasValue(8);
        assertThat(new DirectoryStore(folder, "b", 16).load(7)).isEmpty();
        assertThat(new DirectoryStore(folder, "a", 32).load(7)).isEmpty();
    }
}
