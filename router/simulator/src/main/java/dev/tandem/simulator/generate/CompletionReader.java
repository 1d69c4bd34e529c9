// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.generate;

import dev.tandem.simulator.generate.GenerateRequest.Prompt;
import dev.tandem.simulator.generate.GenerateRequest.Streaming;
import dev.tandem.simulator.text.Tokenizer;
import dev.tandem.simulator.wire.Fields;
import dev.tandem.simulator.wire.Rejection;
import dev.tandem.simulator.wire.Served;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads requests of {@code /v1/completions}. Confined to one request. */
final class CompletionReader {
    private static final int DEFAULT_MAX_TOKENS = 16;

    private final Fields fields;
    private final Served served;
    private final SamplingReader common;

    CompletionReader(Fields fields, Served served) {
        this.fields = fields;
        this.served = served;
        this.common = new SamplingReader(fields, served);
    }

    GenerateRequest read(String id, long created) {
        int asked = fields.integer("max_tokens").orElse(DEFAULT_MAX_TOKENS);
        fields.dictionary("kv_transfer_params");
        fields.dictionary("ec_transfer_params");
        Streaming streaming = common.streaming();
        boolean echo = fields.flag("echo");
        List<Prompt> prompts = prompts(echo);
        served.check(fields.string("model"));
        int longest = 0;
        for (Prompt prompt : prompts) {
            longest = Math.max(longest, prompt.tokens().length);
        }
        int maxTokens = common.maxTokens(longest, defaulted(asked, longest));
        int logprobs = fields.integer("logprobs").orElse(-1);
        return new GenerateRequest(
                id,
                created,
                prompts,
                common.sampling(maxTokens, logprobs),
                streaming,
                fields.flag("return_token_ids"),
                common.responseFormat(),
                common.salt());
    }

    /** The default limit shrinks to what is left of the context; one that was asked for does not. */
    private int defaulted(int asked, int promptTokens) {
        boolean absent = fields.get("max_tokens") == null;
        return absent ? Math.max(1, Math.min(asked, served.maxModelLength() - promptTokens)) : asked;
    }

    private List<Prompt> prompts(boolean echo) {
        JsonNode prompt = fields.get("prompt");
        if (prompt == null
                || (prompt.isString() && prompt.stringValue().isEmpty())
                || (prompt.isArray() && prompt.isEmpty())) {
            throw noPrompt();
        }
        List<Prompt> prompts = new ArrayList<>();
        if (prompt.isString()) {
            prompts.add(text(prompt.stringValue(), echo));
        } else if (prompt.isArray() && prompt.get(0).isNumber()) {
            prompts.add(tokens(prompt, echo));
        } else if (prompt.isArray()) {
            prompt.forEach(entry -> prompts.add(entry.isArray() ? tokens(entry, echo) : text(textOf(entry), echo)));
        } else {
            textOf(prompt);
        }
        return prompts;
    }

    private static String textOf(JsonNode entry) {
        if (!entry.isString()) {
            throw Rejection.invalid(
                    "string_type", "body.prompt.str", "Input should be a valid string", entry.toString());
        }
        return entry.stringValue();
    }

    private static Prompt text(String text, boolean echo) {
        if (text.isEmpty()) {
            throw noPrompt();
        }
        return new Prompt(Tokenizer.TOY.encode(text), echo ? text : null);
    }

    private static Prompt tokens(JsonNode list, boolean echo) {
        int[] tokens = new int[list.size()];
        for (int i = 0; i < tokens.length; i++) {
            long token = list.get(i).asLong(-1);
            if (!Tokenizer.TOY.knows(token)) {
                throw Rejection.badRequest("Token id " + token + " is out of vocabulary");
            }
            tokens[i] = (int) token;
        }
        if (tokens.length == 0) {
            throw noPrompt();
        }
        @Nullable String text = echo ? Tokenizer.TOY.decode(tokens) : null;
        return new Prompt(tokens, text);
    }

    private static Rejection noPrompt() {
        return Rejection.badParameter("Either prompt or prompt_embeds must be provided and non-empty.", "prompt", null);
    }
}
