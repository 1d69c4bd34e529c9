// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.simulator.http.UsageException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LlamaOptionsTest {
    @TempDir
    Path folder;

    @Test
    void readsTheCommandLineOfTheRecording() {
        LlamaOptions options = LlamaOptions.parse(("-m /models/tiny.gguf --host 0.0.0.0 --port 8210 -c 4096 -np 2 -t 1"
                        + " --alias tiny,small --metrics --slots --no-ui --slot-save-path " + folder)
                .split(" "));
        assertThat(options.aliases()).containsExactly("tiny", "small");
        assertThat(options.alias()).isEqualTo("tiny");
        assertThat(options.host()).isEqualTo("0.0.0.0");
        assertThat(options.port()).isEqualTo(8210);
        assertThat(options.slots()).isEqualTo(2);
        assertThat(options.slotContext()).isEqualTo(2048);
        assertThat(options.metricsShown()).isTrue();
        assertThat(options.slotFolder()).isEqualTo(folder);
        assertThat(options.modelName()).isEqualTo("tiny.gguf");
        assertThat(options.strict()).isFalse();
    }

    @Test
    void fourSlotsShareOneContextByDefault() {
        LlamaOptions options = LlamaOptions.parse("--model", "a.gguf", "--ctx_size", "1000");
        assertThat(options.slots()).isEqualTo(4);
        assertThat(options.slotContext()).isEqualTo(1024);
        assertThat(options.alias()).isEqualTo("a.gguf");
        assertThat(LlamaOptions.parse("-m", "a", "-c", "1000", "-np", "2").slotContext())
                .isEqualTo(512);
    }

    @Test
    void refusesWhatLlamaServerWouldRefuse() {
        assertRefused("invalid argument: --foo", "-m", "a", "--foo", "1");
        assertRefused("invalid argument: --port=1", "-m", "a", "--port=1");
        assertRefused("expected value for argument", "-m");
        assertRefused("not a directory: /nowhere/at/all", "-m", "a", "--slot-save-path", "/nowhere/at/all");
        assertRefused("\"--port\": x", "-m", "a", "--port", "x");
        assertRefused("\"--parallel\": 0", "-m", "a", "-np", "0");
        assertRefused("no model", "--port", "0");
    }

    private static void assertRefused(String message, String... arguments) {
        assertThatThrownBy(() -> LlamaOptions.parse(arguments))
                .isInstanceOf(UsageException.class)
                .hasMessageContaining(message);
    }

    @Test
    void helpListsEveryArgument() {
        assertThat(LlamaOptions.help()).contains("--slot-save-path", "-np", "--sim-strict");
    }
}
