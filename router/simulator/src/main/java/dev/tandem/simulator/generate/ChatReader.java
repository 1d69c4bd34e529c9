// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.generate;

import dev.tandem.simulator.generate.GenerateRequest.Prompt;
import dev.tandem.simulator.generate.GenerateRequest.Streaming;
import dev.tandem.simulator.text.ChatTemplate;
import dev.tandem.simulator.text.ChatTemplate.Turn;
import dev.tandem.simulator.wire.Fields;
import dev.tandem.simulator.wire.Rejection;
import dev.tandem.simulator.wire.Served;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads requests of {@code /v1/chat/completions}. Confined to one request. */
public final class ChatReader {
    private final Fields fields;
    private final Served served;
    private final SamplingReader common;

    /** Makes a reader of one body. */
    public ChatReader(Fields fields, Served served) {
        this.fields = fields;
        this.served = served;
        this.common = new SamplingReader(fields, served);
    }

    GenerateRequest read(String id, long created) {
        fields.require("messages");
        Integer asked = fields.integer("max_completion_tokens")
                .or(() -> fields.integer("max_tokens"))
                .orElse(null);
        fields.dictionary("kv_transfer_params");
        fields.dictionary("ec_transfer_params");
        Streaming streaming = common.streaming();
        served.check(fields.string("model"));
        ForcedAnswer forced = forced();
        int[] rendered = prompt();
        int[] given = tokens(fields.get("kv_transfer_params"));
        int[] prompt = given == null ? rendered : given;
        int maxTokens = common.maxTokens(prompt.length, asked);
        return new GenerateRequest(
                id,
                created,
                List.of(new Prompt(prompt, null)),
                common.sampling(maxTokens, logprobs()),
                streaming,
                fields.flag("return_token_ids"),
                forced,
                common.salt());
    }

    /** Returns the token ids that a router has given, as vLLM takes them since #48145 (2026-07-29); null for none. */
    private static int @Nullable [] tokens(@Nullable JsonNode params) {
        JsonNode ids = params == null ? null : params.get("prompt_token_ids");
        return ids == null || !ids.isArray()
                ? null
                : ids.valueStream().mapToInt(JsonNode::asInt).toArray();
    }

    /** Returns the rendered conversation. */
    public int[] prompt() {
        boolean open = fields.get("add_generation_prompt") == null || fields.flag("add_generation_prompt");
        boolean goesOn = fields.flag("continue_final_message");
        if (open && goesOn) {
            throw Rejection.badRequest("Cannot set both `continue_final_message` and `add_generation_prompt` to True.");
        }
        JsonNode messages = fields.require("messages");
        if (!messages.isArray()) {
            throw Rejection.invalid("list_type", "body.messages", "Input should be a valid list", "'" + messages + "'");
        }
        if (messages.isEmpty()) {
            throw Rejection.badRequest(
                    "Cannot apply chat template to an empty conversation. Provide at least one message.");
        }
        List<Turn> turns = new ArrayList<>();
        messages.forEach(message -> turns.add(turn(message)));
        List<JsonNode> tools = "none".equals(choice()) ? List.of() : tools();
        return goesOn ? ChatTemplate.renderUnfinished(turns, tools) : ChatTemplate.render(turns, tools, open);
    }

    private Turn turn(JsonNode message) {
        String role = message.path("role").asString("user");
        StringBuilder text = new StringBuilder(text(message.path("content")));
        for (JsonNode call : message.path("tool_calls")) {
            text.append("\n<tool_call>\n").append(call.path("function")).append("\n</tool_call>");
        }
        return role.equals("tool")
                ? new Turn("user", "<tool_response>\n" + text + "\n</tool_response>")
                : new Turn(role, text.toString());
    }

    private String text(JsonNode content) {
        if (!content.isArray()) {
            return content.isString() ? content.stringValue() : "";
        }
        List<String> parts = new ArrayList<>();
        for (JsonNode part : content) {
            String type = part.path("type").asString("text");
            if (!type.equals("text") && !type.equals("refusal")) {
                throw Rejection.badRequest(served.name() + " is not a multimodal model");
            }
            parts.add(part.isString() ? part.stringValue() : part.path(type).asString(""));
        }
        return String.join("\n", parts);
    }

    private int logprobs() {
        return fields.flag("logprobs") ? fields.integer("top_logprobs").orElse(0) : -1;
    }

    private List<JsonNode> tools() {
        List<JsonNode> tools = new ArrayList<>();
        JsonNode list = fields.get("tools");
        if (list != null && list.isArray()) {
            list.forEach(tools::add);
        }
        return tools;
    }

    private @Nullable String choice() {
        JsonNode choice = fields.get("tool_choice");
        return choice != null && choice.isString() ? choice.stringValue() : null;
    }

    private @Nullable ForcedAnswer forced() {
        List<JsonNode> tools = tools();
        JsonNode named = fields.get("tool_choice");
        if (named != null && named.isObject()) {
            return call(tools, named.path("function").path("name").asString(""));
        }
        if ("required".equals(choice())) {
            if (tools.isEmpty()) {
                throw Rejection.badRequest("Tool choice 'required' must have at least one tool.");
            }
            JsonNode function = tools.getFirst().path("function");
            return new ForcedAnswer(function.path("name").asString(""), true, function.path("parameters"));
        }
        if (!tools.isEmpty() && !"none".equals(choice()) && !served.toolParser()) {
            throw Rejection.badRequest(
                    "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set");
        }
        return common.responseFormat();
    }

    private static ForcedAnswer call(List<JsonNode> tools, String name) {
        for (JsonNode tool : tools) {
            JsonNode function = tool.path("function");
            if (function.path("name").asString("").equals(name)) {
                return new ForcedAnswer(name, false, function.path("parameters"));
            }
        }
        throw Rejection.badRequest("The tool specified in `tool_choice` does not match any of the specified `tools`");
    }
}
