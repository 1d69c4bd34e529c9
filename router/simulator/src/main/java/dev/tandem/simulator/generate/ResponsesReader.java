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
import tools.jackson.databind.node.ObjectNode;

/** Reads requests of {@code /v1/responses}; nothing is stored between them. Confined to one request. */
final class ResponsesReader {
    private final Fields fields;
    private final Served served;
    private final SamplingReader common;

    ResponsesReader(Fields fields, Served served) {
        this.fields = fields;
        this.served = served;
        this.common = new SamplingReader(fields, served);
    }

    GenerateRequest read(String id, long created) {
        JsonNode input = fields.require("input");
        Integer asked = fields.integer("max_output_tokens").orElse(null);
        boolean stream = fields.flag("stream");
        served.check(fields.string("model"));
        String previous = fields.string("previous_response_id");
        if (previous != null) {
            String message = "Response with id '" + previous + "' not found.";
            throw new Rejection(404, "invalid_request_error", message, null);
        }
        int[] prompt = ChatTemplate.render(turns(input), List.of(), true);
        int maxTokens = common.maxTokens(prompt.length, asked);
        return new GenerateRequest(
                id,
                created,
                List.of(new Prompt(prompt, null)),
                common.sampling(maxTokens, -1),
                new Streaming(stream, false, false),
                false,
                format(),
                common.salt());
    }

    private List<Turn> turns(JsonNode input) {
        List<Turn> turns = new ArrayList<>();
        String instructions = fields.string("instructions");
        if (instructions != null) {
            turns.add(new Turn("system", instructions));
        }
        if (input.isString()) {
            turns.add(new Turn("user", input.stringValue()));
        }
        for (JsonNode item : input.isArray() ? input : List.<JsonNode>of()) {
            turns.add(turn(item));
        }
        return turns;
    }

    private Turn turn(JsonNode item) {
        return switch (item.path("type").asString("message")) {
            case "function_call" -> new Turn("assistant", "<tool_call>\n" + item + "\n</tool_call>");
            case "function_call_output" ->
                new Turn("user", "<tool_response>\n" + item.path("output").asString("") + "\n</tool_response>");
            default -> new Turn(item.path("role").asString("user"), text(item.path("content")));
        };
    }

    private String text(JsonNode content) {
        if (content.isString()) {
            return content.stringValue();
        }
        List<String> parts = new ArrayList<>();
        for (JsonNode part : content) {
            if (part.path("type").asString("").endsWith("image")) {
                throw Rejection.badRequest(served.name() + " is not a multimodal model");
            }
            parts.add(part.path("text").asString(""));
        }
        return String.join("\n", parts);
    }

    private @Nullable ForcedAnswer format() {
        ObjectNode text = fields.dictionary("text");
        if (text == null
                || !"json_schema".equals(text.path("format").path("type").asString(""))) {
            return common.responseFormat();
        }
        return new ForcedAnswer(null, false, text.path("format").path("schema"));
    }
}
