// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TextAssemblerTest {
    private static List<String> assemble(TextAssembler assembler, String text) {
        List<String> parts = new ArrayList<>();
        for (int token : Tokenizer.TOY.encode(text)) {
            parts.add(assembler.add(token));
            if (assembler.stop() != null) {
                break;
            }
        }
        parts.add(assembler.flush());
        return parts;
    }

    @Test
    void holdsBackTheBytesOfAnUnfinishedCharacter() {
        List<String> parts = assemble(new TextAssembler(List.of(), false), "é日🎈");
        assertThat(parts).containsExactly("", "é", "", "", "日", "", "", "", "🎈", "");
    }

    @Test
    void endsBeforeAStopStringThatSpansTokens() {
        TextAssembler assembler = new TextAssembler(List.of("apple am", "zzz"), false);
        assertThat(String.join("", assemble(assembler, " first apple amber zebra")))
                .isEqualTo(" first ");
        assertThat(assembler.stop()).isEqualTo("apple am");
    }

    @Test
    void keepsTheStopStringOnRequest() {
        TextAssembler assembler = new TextAssembler(List.of("apple"), true);
        assertThat(String.join("", assemble(assembler, " first apple amber"))).isEqualTo(" first apple");
    }

    @Test
    void releasesAllTextWhenNoStopStringComes() {
        TextAssembler assembler = new TextAssembler(List.of("not there at all"), false);
        assertThat(String.join("", assemble(assembler, " first apple amber"))).isEqualTo(" first apple amber");
        assertThat(assembler.stop()).isNull();
    }
}
