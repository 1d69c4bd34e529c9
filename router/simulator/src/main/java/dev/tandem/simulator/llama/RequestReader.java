// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import dev.tandem.simulator.text.ChatTemplate;
import dev.tandem.simulator.text.ChatTemplate.Turn;
import dev.tandem.simulator.text.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** Reads the generating requests of all four APIs. Confined to one request. */
final class RequestReader {
    /** Limit of a messages request that names none. */
    private static final int DEFAULT_MESSAGE_TOKENS = 4_096;

    private final LlamaBody body;
    private final LlamaOptions options;
    private final StrictMode strict;

    RequestReader(LlamaBody body, LlamaOptions options, StrictMode strict) {
        this.body = body;
        this.options = options;
        this.strict = strict;
    }

    LlamaRequest completion() {
        JsonNode prompt = body.at("prompt");
        return request(prompts(prompt), probabilities(), "n_predict", "max_completion_tokens", "max_tokens");
    }

    LlamaRequest chat() {
        JsonNode top = body.get("top_logprobs");
        boolean shown = body.flag("logprobs", false);
        if (top != null && !shown) {
            throw LlamaError.invalid("top_logprobs requires logprobs to be set to true");
        }
        int probabilities =
                shown ? body.number(0, Integer.MAX_VALUE, "top_logprobs").orElse(20) : 0;
        return request(List.of(conversation()), probabilities, "n_predict", "max_completion_tokens", "max_tokens");
    }

    /** Reads a messages request; of llama-server's own fields none is looked at, {@code id_slot} neither. */
    LlamaRequest messages() {
        return new LlamaRequest(
                fitting(List.of(messagesPrompt())),
                body.number(-1, Integer.MAX_VALUE, "max_tokens").orElse(DEFAULT_MESSAGE_TOKENS),
                1,
                LlamaRequest.ANY_SLOT,
                true,
                body.flag("stream", false),
                false,
                0,
                body.texts("stop_sequences"),
                false);
    }

    LlamaRequest responses() {
        return request(
                List.of(responsesPrompt()), 0, "n_predict", "max_completion_tokens", "max_output_tokens", "max_tokens");
    }

    /** Returns the rendered conversation of a chat request. */
    int[] conversation() {
        JsonNode messages = body.get("messages");
        if (messages == null) {
            throw LlamaError.invalid("'messages' is required");
        }
        if (!messages.isArray()) {
            throw LlamaError.invalid("Expected 'messages' to be an array");
        }
        List<Turn> turns = new ArrayList<>();
        for (JsonNode message : messages) {
            boolean assistant = message.path("role").asString("").equals("assistant");
            if (!assistant && !message.has("content")) {
                throw LlamaError.invalid("All non-assistant messages must contain 'content'");
            }
            if (!message.has("role")) {
                throw LlamaError.server("Failed to parse messages: Missing 'role' in message: " + message);
            }
            turns.add(turn(message));
        }
        return goneOn(turns);
    }

    /** A last turn of the assistant is gone on with. */
    private static int[] goneOn(List<Turn> turns) {
        int last = turns.size() - 1;
        if (last < 0 || !isAssistant(turns, last)) {
            return ChatTemplate.render(turns, List.of(), true);
        }
        if (last > 0 && isAssistant(turns, last - 1)) {
            throw LlamaError.invalid("Cannot have 2 or more assistant messages at the end of the list.");
        }
        return ChatTemplate.renderUnfinished(turns, List.of());
    }

    private static boolean isAssistant(List<Turn> turns, int index) {
        return turns.get(index).role().equals("assistant");
    }

    /** Returns the rendered conversation of a messages request. */
    int[] messagesPrompt() {
        List<Turn> turns = new ArrayList<>();
        JsonNode system = body.get("system");
        if (system != null) {
            turns.add(new Turn("system", text(system)));
        }
        JsonNode messages = body.get("messages");
        if (messages == null) {
            throw LlamaError.server("'messages' is required");
        }
        messages.forEach(message -> turns.add(turn(message)));
        return ChatTemplate.render(turns, List.of(), true);
    }

    private int[] responsesPrompt() {
        JsonNode input = body.get("input");
        if (input == null) {
            throw LlamaError.invalid("'input' is required");
        }
        List<Turn> turns = new ArrayList<>();
        JsonNode instructions = body.get("instructions");
        if (instructions != null) {
            turns.add(new Turn("system", text(instructions)));
        }
        if (input.isString()) {
            turns.add(new Turn("user", input.stringValue()));
        } else {
            input.forEach(item -> turns.add(turn(item)));
        }
        return ChatTemplate.render(turns, List.of(), true);
    }

    private static Turn turn(JsonNode message) {
        return new Turn(message.path("role").asString("user"), text(message.path("content")));
    }

    private static String text(JsonNode content) {
        if (!content.isArray()) {
            return content.isString() ? content.stringValue() : "";
        }
        List<String> parts = new ArrayList<>();
        for (JsonNode part : content) {
            if (part.path("type").asString("text").contains("image")) {
                throw LlamaError.server(
                        "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj");
            }
            parts.add(part.path("text").asString(""));
        }
        return String.join("\n", parts);
    }

    private LlamaRequest request(List<int[]> prompts, int probabilities, String... limits) {
        return new LlamaRequest(
                fitting(prompts),
                body.number(-1, Integer.MAX_VALUE, limits).orElse(-1),
                body.number(1, options.slots(), "n_cmpl", "n").orElse(1),
                slot(),
                body.flag("cache_prompt", true),
                body.flag("stream", false),
                body.flag("stream_options", "include_usage"),
                probabilities,
                body.texts("stop"),
                body.flag("ignore_eos", false));
    }

    private List<int[]> fitting(List<int[]> prompts) {
        for (int[] prompt : prompts) {
            if (prompt.length >= options.slotContext()) {
                throw LlamaError.tooLong(prompt.length, options.slotContext());
            }
        }
        return prompts;
    }

    private int slot() {
        int slot = body.lenientNumber("id_slot", LlamaRequest.ANY_SLOT);
        strict.refuseIf(
                slot < LlamaRequest.ANY_SLOT || slot >= options.slots(),
                StrictMode.Rule.SLOT_OUT_OF_RANGE,
                "id_slot " + slot + " of " + options.slots());
        return slot;
    }

    private int probabilities() {
        return body.number(Integer.MIN_VALUE, Integer.MAX_VALUE, "n_probs", "logprobs")
                .orElse(0);
    }

    /** Reads a text, a list of tokens, or a list of both. */
    private static List<int[]> prompts(JsonNode prompt) {
        if (prompt.isString()) {
            return List.of(Tokenizer.TOY.encode(prompt.stringValue()));
        }
        if (!prompt.isArray()) {
            throw LlamaError.invalid(
                    "\"prompt\" elements must be a string, a list of tokens, a JSON object containing a"
                            + " prompt string, or a list of mixed strings & tokens.");
        }
        if (prompt.isEmpty()) {
            throw LlamaError.invalid("\"prompt\" must not be empty");
        }
        if (prompt.get(0).isNumber()) {
            return List.of(tokens(List.copyOf(prompt.values())));
        }
        List<int[]> prompts = new ArrayList<>();
        for (JsonNode entry : prompt) {
            prompts.add(
                    entry.isArray() ? tokens(List.copyOf(entry.values())) : Tokenizer.TOY.encode(entry.asString("")));
        }
        return prompts;
    }

    /** Reads a list of token ids. */
    static int[] tokens(List<JsonNode> list) {
        int[] tokens = new int[list.size()];
        for (int i = 0; i < tokens.length; i++) {
            long token = list.get(i).asLong(-1);
            if (!Tokenizer.TOY.knows(token)) {
                throw LlamaError.invalid("Prompt contains invalid tokens");
            }
            tokens[i] = (int) token;
        }
        return tokens;
    }
}
