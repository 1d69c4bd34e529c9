// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.generate;

import dev.tandem.simulator.engine.Limits;
import dev.tandem.simulator.generate.GenerateRequest.Sampling;
import dev.tandem.simulator.generate.GenerateRequest.Streaming;
import dev.tandem.simulator.wire.Fields;
import dev.tandem.simulator.wire.Json;
import dev.tandem.simulator.wire.Rejection;
import dev.tandem.simulator.wire.Served;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Reads the fields that the completions and chat APIs share, with vLLM's checks. Confined to one request. */
final class SamplingReader {
    private static final int MOST_LOGPROBS = 20;
    private static final JsonNode ANY_OBJECT =
            Json.MAPPER.readTree("{\"type\":\"object\",\"properties\":{\"answer\":{\"type\":\"string\"}}}");

    private final Fields fields;
    private final Served served;

    SamplingReader(Fields fields, Served served) {
        this.fields = fields;
        this.served = served;
    }

    Streaming streaming() {
        boolean stream = fields.flag("stream");
        ObjectNode options = fields.dictionary("stream_options");
        if (options != null && !stream) {
            throw Rejection.badParameter(
                    "Stream options can only be defined when `stream=True`.", "stream_options", null);
        }
        boolean usage = options != null && options.path("include_usage").asBoolean(false);
        boolean continuous =
                options != null && options.path("continuous_usage_stats").asBoolean(false);
        return new Streaming(stream, usage, usage && continuous);
    }

    Sampling sampling(int maxTokens, int logprobs) {
        int n = fields.integer("n").orElse(1);
        if (n < 1) {
            throw Rejection.badRequest("n must be at least 1, got " + n + ".");
        }
        double temperature = fields.number("temperature").orElse(1.0);
        if (temperature < 0) {
            String message = "temperature must be non-negative, got " + temperature + ".";
            throw Rejection.badParameter(message, "temperature", temperature);
        }
        double topP = fields.number("top_p").orElse(1.0);
        if (topP <= 0 || topP > 1) {
            throw Rejection.badParameter("top_p must be in (0, 1], got " + topP + ".", "top_p", topP);
        }
        int promptLogprobs = fields.integer("prompt_logprobs").orElse(-1);
        checkLogprobs("sample", logprobs, "logprobs");
        checkLogprobs("prompt", promptLogprobs, "prompt_logprobs");
        Limits limits =
                new Limits(maxTokens, fields.integer("min_tokens").orElse(0), fields.flag("ignore_eos"), stopTokens());
        if (limits.minTokens() > maxTokens) {
            String message = "min_tokens must be less than or equal to max_tokens=" + maxTokens + ", got "
                    + limits.minTokens() + ".";
            throw Rejection.badParameter(message, "min_tokens", limits.minTokens());
        }
        boolean includeStop = fields.flag("include_stop_str_in_output");
        return new Sampling(n, limits, stops(), includeStop, logprobs, promptLogprobs);
    }

    /** Checks a prompt and a token limit against the context; an absent limit becomes what is left of it. */
    int maxTokens(int promptTokens, @Nullable Integer asked) {
        int context = served.maxModelLength();
        if (asked != null && asked < 1) {
            throw Rejection.badParameter("max_tokens must be at least 1, got " + asked + ".", "max_tokens", asked);
        }
        if (asked != null && asked > context) {
            String message = "max_tokens=" + asked + " cannot be greater than max_model_len=" + context
                    + ". Please request fewer output tokens.";
            throw Rejection.badParameter(message, "max_tokens", asked);
        }
        if (promptTokens > context) {
            String message = contextMessage() + " However, your prompt contains at least " + (context + 1)
                    + " input tokens, which exceeds this limit even without any output tokens."
                    + " Please reduce the length of the input prompt.";
            throw Rejection.badParameter(message, "input_tokens", context + 1);
        }
        int wanted = asked == null ? Math.max(1, context - promptTokens) : asked;
        if (promptTokens + wanted > context) {
            String message = contextMessage() + " However, you requested " + wanted
                    + " output tokens and your prompt contains " + promptTokens
                    + " input tokens, for a total of " + (promptTokens + wanted) + " tokens."
                    + " Please reduce the length of the input prompt or the number of requested output tokens.";
            throw Rejection.badParameter(message, "input_tokens", promptTokens);
        }
        return wanted;
    }

    /** Returns the schema that {@code response_format} or {@code structured_outputs} asks for, or null. */
    @Nullable
    ForcedAnswer responseFormat() {
        ObjectNode format = fields.dictionary("response_format");
        if (format != null && "json_schema".equals(format.path("type").asString())) {
            return new ForcedAnswer(null, false, format.path("json_schema").path("schema"));
        }
        if (format != null && "json_object".equals(format.path("type").asString())) {
            return new ForcedAnswer(null, false, ANY_OBJECT);
        }
        ObjectNode structured = fields.dictionary("structured_outputs");
        if (structured != null && structured.path("json").isObject()) {
            return new ForcedAnswer(null, false, structured.path("json"));
        }
        return null;
    }

    String salt() {
        String salt = fields.string("cache_salt");
        if (salt != null && salt.isEmpty()) {
            throw Rejection.badParameter(
                    "Parameter 'cache_salt' must be a non-empty string if provided.", "cache_salt", null);
        }
        return salt == null ? "" : salt;
    }

    private String contextMessage() {
        return "This model's maximum context length is " + served.maxModelLength() + " tokens.";
    }

    private static void checkLogprobs(String what, int asked, String field) {
        if (asked > MOST_LOGPROBS) {
            String message = "Requested " + what + " logprobs of " + asked + ", which is greater than max allowed: "
                    + MOST_LOGPROBS;
            throw Rejection.badParameter(message, field, asked);
        }
    }

    private List<String> stops() {
        JsonNode stop = fields.get("stop");
        List<String> stops = new ArrayList<>();
        if (stop != null && stop.isString()) {
            stops.add(stop.stringValue());
        } else if (stop != null && stop.isArray()) {
            stop.forEach(entry -> stops.add(entry.asString()));
        }
        if (stops.contains("")) {
            throw Rejection.badParameter("stop cannot contain an empty string.", "stop", null);
        }
        return stops;
    }

    private Set<Integer> stopTokens() {
        JsonNode list = fields.get("stop_token_ids");
        Set<Integer> tokens = new HashSet<>();
        if (list != null && list.isArray()) {
            list.forEach(entry -> tokens.add(entry.asInt()));
        }
        return tokens;
    }
}
