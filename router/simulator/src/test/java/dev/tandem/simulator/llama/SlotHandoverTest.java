// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import static dev.tandem.simulator.llama.LlamaClient.act;
import static dev.tandem.simulator.llama.LlamaClient.ask;
import static dev.tandem.simulator.llama.LlamaClient.cached;
import static dev.tandem.simulator.llama.LlamaClient.complete;
import static dev.tandem.simulator.llama.LlamaClient.evaluated;
import static dev.tandem.simulator.llama.LlamaClient.get;
import static dev.tandem.simulator.llama.LlamaClient.json;
import static dev.tandem.simulator.llama.LlamaClient.post;
import static dev.tandem.simulator.llama.LlamaClient.promptTokens;
import static dev.tandem.simulator.llama.LlamaClient.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.simulator.http.RawClient.Response;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class SlotHandoverTest {
    private static final String PROMPT = "a prompt that is handed over between two servers ".repeat(20);

    @TempDir
    Path folder;

    private SimulatedLlamaServer prefill;
    private SimulatedLlamaServer decode;

    @BeforeEach
    void start() {
        prefill = SimulatedLlamaServer.start(LlamaOptions.of("m", folder));
        decode = SimulatedLlamaServer.start(LlamaOptions.of("m", folder));
    }

    @AfterEach
    void stop() {
        prefill.close();
        decode.close();
    }

    private JsonNode prefill(String prompt, int slot, String file) throws IOException {
        JsonNode leg = complete(prefill, ask(prompt, slot).put("max_tokens", 1));
        JsonNode saved = json(act(prefill, slot, "save", file));
        assertThat(saved.path("n_saved").asInt()).isEqualTo(promptTokens(leg));
        return saved;
    }

    @Test
    void theDecodeServerEvaluatesOneTokenOfARestoredPrompt() throws IOException {
        JsonNode saved = prefill(PROMPT, 0, "a.bin");
        JsonNode restored = json(act(decode, 1, "restore", "a.bin"));
        assertThat(restored.path("n_restored")).isEqualTo(saved.path("n_saved"));
        assertThat(restored.path("n_read")).isEqualTo(saved.path("n_written"));
        assertThat(Files.size(folder.resolve("a.bin")))
                .isEqualTo(saved.path("n_written").asLong());

        JsonNode answer = complete(decode, ask(PROMPT, 1));
        assertThat(evaluated(answer)).isEqualTo(1);
        assertThat(cached(answer)).isEqualTo(promptTokens(answer) - 1);
        JsonNode unified = complete(prefill, ask(PROMPT, 1));
        assertThat(evaluated(unified)).isEqualTo(promptTokens(unified));
        assertThat(text(answer)).isNotEmpty().isEqualTo(text(unified));
    }

    @Test
    void aDecodeLegInAnotherSlotEvaluatesThePromptAgainAndSaysTheSame() throws IOException {
        prefill(PROMPT, 0, "a.bin");
        act(decode, 1, "restore", "a.bin");
        JsonNode wrong = complete(decode, ask(PROMPT, 0));
        assertThat(cached(wrong)).isZero();
        JsonNode right = complete(decode, ask(PROMPT, 1));
        assertThat(text(wrong)).isEqualTo(text(right));
    }

    @Test
    void onlyTheCommonPrefixOfAForeignPromptIsReused() throws IOException {
        prefill("one two three four five", 0, "a.bin");
        act(decode, 0, "restore", "a.bin");
        JsonNode answer = complete(decode, ask("one two six seven eight", 0));
        assertThat(cached(answer)).isPositive().isLessThan(promptTokens(answer) - 1);
        assertThat(text(answer)).isEqualTo(text(complete(decode, ask("one two six seven eight", 1))));
    }

    @Test
    void aFileThatIsCutOrForeignIsRefusedAndLeavesTheSlotEmpty() throws IOException {
        prefill(PROMPT, 0, "a.bin");
        byte[] bytes = Files.readAllBytes(folder.resolve("a.bin"));
        for (int length : new int[] {0, 3, 40, bytes.length / 2, bytes.length - 1}) {
            complete(decode, ask(PROMPT, 0));
            Files.write(folder.resolve("a.bin"), Arrays.copyOf(bytes, length));
            assertRefused(act(decode, 0, "restore", "a.bin"));
            assertThat(decode.slotTokens().getFirst()).isZero();
        }
        Files.writeString(folder.resolve("a.bin"), "this is no file of a slot");
        assertRefused(act(decode, 0, "restore", "a.bin"));
        assertRefused(act(decode, 0, "restore", "missing.bin"));
    }

    @Test
    void changedKvIsAcceptedAndChangesTheText() throws IOException {
        prefill(PROMPT, 0, "a.bin");
        byte[] bytes = Files.readAllBytes(folder.resolve("a.bin"));
        // The last byte of a token in the first half of the prompt belongs to its KV.
        bytes[bytes.length - 12 * 100 - 1] ^= 1;
        Files.write(folder.resolve("a.bin"), bytes);
        assertThat(act(decode, 0, "restore", "a.bin").status()).isEqualTo(200);
        JsonNode answer = complete(decode, ask(PROMPT, 0));
        assertThat(evaluated(answer)).isEqualTo(1);
        assertThat(text(answer)).isNotEqualTo(text(complete(decode, ask(PROMPT, 1))));
    }

    private static void assertRefused(Response response) {
        assertThat(response.status()).isEqualTo(400);
        assertThat(response.body()).contains("Unable to restore slot: No available space in KV cache");
    }

    @Test
    void aFileThatIsLongerThanTheContextIsRefused() throws IOException {
        prefill(PROMPT, 0, "a.bin");
        SimulatedLlamaServer small =
                SimulatedLlamaServer.start(LlamaOptions.of("m", folder).withSlots(1, 256));
        try (small) {
            assertThat(small.options().slotContext()).isEqualTo(256);
            JsonNode props = json(get(small, "/props"));
            assertThat(props.path("total_slots").asInt()).isEqualTo(1);
            JsonNode saved = json(act(prefill, 0, "save", "b.bin"));
            assertThat(saved.path("n_saved").asInt()).isGreaterThan(256);
            assertRefused(act(small, 0, "restore", "b.bin"));
        }
    }

    @Test
    void theKvOfAnotherModelContinuesToAnotherText() throws IOException {
        prefill(PROMPT, 0, "a.bin");
        LlamaOptions other =
                LlamaOptions.of("m", folder).withModel("/models/other.gguf").withStrict(false);
        try (SimulatedLlamaServer foreign = SimulatedLlamaServer.start(other)) {
            String own = text(complete(foreign, ask(PROMPT, 0)));
            assertThat(act(foreign, 1, "restore", "a.bin").status()).isEqualTo(200);
            JsonNode answer = complete(foreign, ask(PROMPT, 1));
            assertThat(evaluated(answer)).isEqualTo(1);
            assertThat(text(answer)).isNotEqualTo(own);
        }
    }

    @Test
    void aSavedFileReplacesTheOneBeforeAndAnEmptySlotIsSavedToo() throws IOException {
        prefill(PROMPT, 0, "a.bin");
        assertThat(json(act(prefill, 1, "save", "a.bin")).path("n_saved").asInt())
                .isZero();
        assertThat(json(act(decode, 0, "restore", "a.bin")).path("n_restored").asInt())
                .isZero();
        try (var files = Files.list(folder)) {
            assertThat(files.map(Path::getFileName).map(Path::toString)).containsExactly("a.bin");
        }
    }

    @Test
    void anErasedSlotHoldsNothing() throws IOException {
        JsonNode answer = complete(prefill, ask(PROMPT, 0));
        // The last token was drawn and not evaluated.
        int held = promptTokens(answer) + 7;
        Response erased = post(prefill, "/slots/0?action=erase", "");
        assertThat(json(erased).path("n_erased").asInt()).isEqualTo(held);
        assertThat(cached(complete(prefill, ask(PROMPT, 0)))).isZero();
    }

    @Test
    void slotActionsThatMakeNoSenseAreRefused() throws IOException {
        assertThat(post(prefill, "/slots/x?action=erase", "").body()).contains("Invalid slot ID");
        assertThat(post(prefill, "/slots/0?action=copy", "{}").body()).contains("Invalid action");
        assertThat(post(prefill, "/slots/0", "{}").body()).contains("Invalid action");
        for (String name : new String[] {"../a", "a/b", "", ".", "a:b", " a"}) {
            Response response = act(prefill, 0, "save", name);
            assertThat(response.status()).isEqualTo(400);
            assertThat(response.body()).contains("Invalid filename");
        }
        try (SimulatedLlamaServer none = SimulatedLlamaServer.start(LlamaOptions.of("m", null))) {
            Response response = act(none, 0, "save", "a.bin");
            assertThat(response.status()).isEqualTo(501);
            assertThat(response.body()).contains("Start it with `--slot-save-path`");
        }
    }
}
