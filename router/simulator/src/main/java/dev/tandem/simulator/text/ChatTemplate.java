// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.text;

import java.util.Arrays;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** Renders conversations as ChatML, as Qwen models do; tools are described in the system turn. */
public final class ChatTemplate {
    private static final int[] TURN_BREAK = {Tokenizer.TURN_END, Tokenizer.TOY.encode("\n")[0]};

    private ChatTemplate() {}

    /**
     * One turn of a conversation.
     *
     * @param role Who speaks.
     * @param text What was said.
     */
    public record Turn(String role, String text) {}

    /** Returns the tokens of a conversation, ending where the assistant is to speak if {@code open}. */
    public static int[] render(List<Turn> turns, List<JsonNode> tools, boolean open) {
        int[] tokens = {};
        int from = 0;
        if (!tools.isEmpty()) {
            boolean system = !turns.isEmpty() && turns.getFirst().role().equals("system");
            String text = (system ? turns.getFirst().text() + "\n\n" : "") + describe(tools);
            tokens = append(tokens, turn("system", text));
            from = system ? 1 : 0;
        }
        for (Turn turn : turns.subList(from, turns.size())) {
            tokens = append(tokens, turn(turn.role(), turn.text()));
        }
        return open ? append(append(tokens, Tokenizer.TURN_START), Tokenizer.TOY.encode("assistant\n")) : tokens;
    }

    /** Returns the tokens of a conversation whose last turn, the assistant's, has begun and is not over. */
    public static int[] renderUnfinished(List<Turn> turns, List<JsonNode> tools) {
        int[] before = render(turns.subList(0, turns.size() - 1), tools, true);
        return append(before, Tokenizer.TOY.encode(turns.getLast().text()));
    }

    private static String describe(List<JsonNode> tools) {
        StringBuilder text = new StringBuilder("# Tools\n\nCall a function with <tool_call></tool_call>.\n<tools>");
        for (JsonNode tool : tools) {
            text.append('\n').append(tool);
        }
        return text.append("\n</tools>").toString();
    }

    private static int[] turn(String role, String text) {
        return append(append(new int[] {Tokenizer.TURN_START}, Tokenizer.TOY.encode(role + "\n" + text)), TURN_BREAK);
    }

    private static int[] append(int[] tokens, int... more) {
        int[] all = Arrays.copyOf(tokens, tokens.length + more.length);
        System.arraycopy(more, 0, all, tokens.length, more.length);
        return all;
    }
}
