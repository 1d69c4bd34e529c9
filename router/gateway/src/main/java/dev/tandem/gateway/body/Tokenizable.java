// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.disagg.BodyEdits.Edit;
import dev.tandem.core.disagg.BodyEdits.Edit.Drop;
import dev.tandem.core.request.ApiKind;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Completions and chats whose prompt an engine can be asked to tokenize without computing it. Stateless.
 *
 * <p>A tokenizer must make the same tokens of them as the request itself, so this is a closed list, too: fields that
 * shape the prompt and that {@code /tokenize} knows, and fields that have nothing to do with the prompt. Source: vLLM
 * 0.32.0, {@code TokenizeChatRequest}, read 2026-11-22.
 */
public final class Tokenizable {
    private static final String TOOL_CHOICE = "tool_choice";

    private static final Set<String> OF_COMPLETIONS = Set.of("model", "prompt");
    private static final Set<String> OF_CHATS = Set.of(
            "model",
            "messages",
            "tools",
            "chat_template_kwargs",
            "add_generation_prompt",
            "continue_final_message",
            "add_special_tokens");

    /** Fields that say how tokens are drawn, counted and told. */
    private static final Set<String> BEHIND_THE_PROMPT = Set.of(
            "max_tokens",
            "max_completion_tokens",
            "min_tokens",
            "n",
            "stop",
            "seed",
            "presence_penalty",
            "frequency_penalty",
            "logprobs",
            "top_logprobs",
            "parallel_tool_calls",
            "return_token_ids",
            "metadata",
            "service_tier",
            "conversation_id");

    private Tokenizable() {}

    /** Returns the edits after which only what a tokenizer needs is left; empty when it would not be told all. */
    public static Optional<BodyEdits> of(ApiKind api, RequestBody body) {
        return body instanceof RequestBody.Json json && json.size() <= Resumable.LARGEST_BODY
                ? switch (api) {
                    case COMPLETIONS -> edits(json, OF_COMPLETIONS);
                    case CHAT -> edits(json, OF_CHATS).filter(edits -> toolsStay(json) && Resumable.textOnly(json));
                    default -> Optional.empty();
                }
                : Optional.empty();
    }

    private static Optional<BodyEdits> edits(RequestBody.Json body, Set<String> ofPrompt) {
        List<String> others =
                body.names().filter(name -> !ofPrompt.contains(name)).toList();
        return others.stream().allMatch(Tokenizable::behindThePrompt)
                ? Optional.of(new BodyEdits(others.stream().<Edit>map(Drop::new).toList()))
                : Optional.empty();
    }

    private static boolean behindThePrompt(String name) {
        return BEHIND_THE_PROMPT.contains(name) || Continuable.SAMPLING.contains(name) || name.equals(TOOL_CHOICE);
    }

    /** Other choices may leave tools out of the prompt. */
    private static boolean toolsStay(RequestBody.Json body) {
        return body.text(TOOL_CHOICE).map("\"auto\""::equals).orElse(true);
    }
}
