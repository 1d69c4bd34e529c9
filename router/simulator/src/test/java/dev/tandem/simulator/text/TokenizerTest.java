// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerTest {
    private final Tokenizer tokenizer = Tokenizer.TOY;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "hello world",
                "  two  spaces \n\ttab",
                "ABC Abc aBC abcdefghij",
                "1 22 333 4444 007 00",
                "日本語 テスト 東京 🌊🌊 Ελλάδα",
                "{\"a\": [1, 2.5e-7], \"b\": null}",
                "<|im_start|>user\nhi<|im_end|><|endoftext|><|",
                "naïveté Zürich-West don't"
            })
    void decodingTokensGivesTheText(String text) {
        assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
    }

    @Test
    void decodingTokensOfAnyTextGivesTheText() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 200; i++) {
            byte[] bytes = new byte[random.nextInt(200)];
            random.nextBytes(bytes);
            String text = new String(bytes, StandardCharsets.UTF_8);
            assertThat(tokenizer.decode(tokenizer.encode(text)))
                    .as("seed %d", seed)
                    .isEqualTo(text);
        }
    }

    @Test
    void everyIdHasBytesAndIsFoundAgain() {
        for (int token = 0; token < Tokenizer.VOCABULARY; token++) {
            assertThat(tokenizer.bytes(token)).as("token %d", token).isNotEmpty();
        }
        assertThat(tokenizer.knows(Tokenizer.VOCABULARY)).isFalse();
        assertThat(tokenizer.knows(-1)).isFalse();
    }

    @Test
    void wordsThatTheModelSaysAreOneTokenEach() {
        int[] spoken = new int[Tokenizer.SPOKEN_WORDS];
        for (int i = 0; i < spoken.length; i++) {
            spoken[i] = Tokenizer.spokenWord(i);
        }
        assertThat(tokenizer.encode(tokenizer.decode(spoken))).isEqualTo(spoken);
    }

    @Test
    void englishCostsAboutFourBytesPerToken() {
        String text = "The quick brown fox jumps over the lazy dog and runs into the forest. ".repeat(50);
        assertThat(tokenizer.encode(text).length).isBetween(text.length() / 5, text.length() / 2);
    }

    @Test
    void symbolsAreThoseOfByteLevelTokenizers() {
        assertThat(tokenizer.symbol(tokenizer.encode(" hello")[0])).isEqualTo("Ġhello");
        assertThat(tokenizer.symbol(tokenizer.encode("\n")[0])).isEqualTo("Ċ");
        assertThat(tokenizer.symbol(Tokenizer.TURN_START)).isEqualTo("<|im_start|>");
    }
}
