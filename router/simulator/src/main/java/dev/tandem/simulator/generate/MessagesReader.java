// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.generate;

import dev.tandem.simulator.engine.Limits;
import dev.tandem.simulator.generate.GenerateRequest.Prompt;
import dev.tandem.simulator.generate.GenerateRequest.Sampling;
import dev.tandem.simulator.generate.GenerateRequest.Streaming;
import dev.tandem.simulator.text.ChatTemplate;
import dev.tandem.simulator.text.ChatTemplate.Turn;
import dev.tandem.simulator.wire.Fields;
import dev.tandem.simulator.wire.Rejection;
import dev.tandem.simulator.wire.Served;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Reads requests of {@code /v1/messages}. Confined to one request. */
public final class MessagesReader {
    private final Fields fields;
    private final Served served;
    private final SamplingReader common;

    /** Makes a reader of one body. */
    public MessagesReader(Fields fields, Served served) {
        this.fields = fields;
        this.served = served;
        this.common = new SamplingReader(fields, served);
    }

    GenerateRequest read(String id, long created) {
        fields.require("messages");
        fields.require("max_tokens");
        Integer asked = fields.integer("max_tokens").orElse(null);
        boolean stream = fields.flag("stream");
        served.check(fields.string("model"));
        int[] prompt = prompt();
        int maxTokens = common.maxTokens(prompt.length, asked);
        Sampling sampling =
                new Sampling(1, new Limits(maxTokens, 0, fields.flag("ignore_eos"), Set.of()), stops(), false, -1, -1);
        return new GenerateRequest(
                id,
                created,
                List.of(new Prompt(prompt, null)),
                sampling,
                new Streaming(stream, false, false),
                false,
                forced(),
                common.salt());
    }

    /** Returns the rendered conversation. */
    public int[] prompt() {
        List<Turn> turns = new ArrayList<>();
        JsonNode system = fields.get("system");
        if (system != null) {
            turns.add(new Turn("system", text(system)));
        }
        JsonNode messages = fields.require("messages");
        if (!messages.isArray()) {
            throw Rejection.invalid("list_type", "body.messages", "Input should be a valid list", messages.toString());
        }
        messages.forEach(
                message -> turns.add(new Turn(message.path("role").asString("user"), text(message.path("content")))));
        return ChatTemplate.render(turns, tools(), true);
    }

    private String text(JsonNode content) {
        if (content.isString()) {
            return content.stringValue();
        }
        List<String> parts = new ArrayList<>();
        for (JsonNode block : content) {
            parts.add(
                    switch (block.path("type").asString("text")) {
                        case "text" -> block.path("text").asString("");
                        case "tool_use" -> "<tool_call>\n" + block + "\n</tool_call>";
                        case "tool_result" -> "<tool_response>\n" + text(block.path("content")) + "\n</tool_response>";
                        case "image" -> throw Rejection.badRequest(served.name() + " is not a multimodal model");
                        default -> "";
                    });
        }
        return String.join("\n", parts);
    }

    private List<String> stops() {
        List<String> stops = new ArrayList<>();
        JsonNode list = fields.get("stop_sequences");
        if (list != null) {
            list.forEach(entry -> stops.add(entry.asString("")));
        }
        return stops;
    }

    private List<JsonNode> tools() {
        List<JsonNode> tools = new ArrayList<>();
        JsonNode list = fields.get("tools");
        if (list != null) {
            list.forEach(tools::add);
        }
        return tools;
    }

    private @Nullable ForcedAnswer forced() {
        ObjectNode choice = fields.dictionary("tool_choice");
        String type = choice == null ? "auto" : choice.path("type").asString("auto");
        if (!type.equals("any") && !type.equals("tool")) {
            return null;
        }
        String name = choice == null ? "" : choice.path("name").asString("");
        for (JsonNode tool : tools()) {
            String candidate = tool.path("name").asString("");
            if (type.equals("any") || candidate.equals(name)) {
                return new ForcedAnswer(candidate, true, tool.path("input_schema"));
            }
        }
        throw Rejection.badRequest("The tool specified in `tool_choice` does not match any of the specified `tools`");
    }
}
