// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import dev.tandem.simulator.http.Answer;
import dev.tandem.simulator.text.ContentHash;
import dev.tandem.simulator.text.Tokenizer;
import dev.tandem.simulator.wire.Json;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What the server says about itself, its model and its slots. Thread-safe. */
final class ServerAnswers {
    /** Build that the server claims; also the system fingerprint of answers. */
    static final String BUILD = "b11669-Debian";

    private static final String DEFAULT_PARAMS = """
            {"seed":4294967295,"temperature":0.800000011920929,"dynatemp_range":0.0,"dynatemp_exponent":1.0,"top_k":40,\
            "top_p":0.949999988079071,"min_p":0.05000000074505806,"top_n_sigma":-1.0,"xtc_probability":0.0,\
            "xtc_threshold":0.10000000149011612,"typical_p":1.0,"repeat_last_n":64,"repeat_penalty":1.0,\
            "presence_penalty":0.0,"frequency_penalty":0.0,"dry_multiplier":0.0,"dry_base":1.75,"dry_allowed_length":2,\
            "dry_penalty_last_n":64,"mirostat":0,"mirostat_tau":5.0,"mirostat_eta":0.10000000149011612,\
            "adaptive_target":-1.0,"adaptive_decay":0.8999999761581421,"max_tokens":-1,"n_predict":-1,"n_keep":0,\
            "n_discard":0,"ignore_eos":false,"stream":false,"n_probs":0,"min_keep":0,"chat_format":"Content-only",\
            "reasoning_format":"none","reasoning_in_content":false,"generation_prompt":"","samplers":["penalties","dry",\
            "top_n_sigma","top_k","typ_p","top_p","min_p","xtc","temperature"],"speculative.types":"none",\
            "timings_per_token":false,"post_sampling_probs":false,"backend_sampling":false,"lora":[]}""";

    /** The template that {@link dev.tandem.simulator.text.ChatTemplate} renders. */
    private static final String CHAT_TEMPLATE = """
            {% for m in messages %}<|im_start|>{{ m['role'] }}
            {{ m['content'] }}<|im_end|>
            {% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
            {% endif %}""";

    private static final List<String> TEMPLATE_CAPABILITIES = List.of(
            "supports_object_arguments",
            "supports_parallel_tool_calls",
            "supports_preserve_reasoning",
            "supports_reasoning_effort",
            "supports_string_content",
            "supports_system_role",
            "supports_tool_calls",
            "supports_tools",
            "supports_typed_content");

    private static final List<String> AVAILABLE = List.of("supports_string_content", "supports_system_role");

    private final LlamaOptions options;
    private final long created;

    ServerAnswers(LlamaOptions options, long created) {
        this.options = options;
        this.created = created;
    }

    ObjectNode models() {
        ObjectNode body = Json.object();
        ObjectNode entry = body.putArray("models")
                .addObject()
                .put("name", options.alias())
                .put("model", options.alias())
                .put("modified_at", "")
                .put("size", "")
                .put("digest", "")
                .put("type", "model")
                .put("description", "");
        entry.putArray("tags").add("");
        entry.putArray("capabilities").add("completion");
        entry.put("parameters", "");
        ObjectNode details = entry.putObject("details")
                .put("parent_model", "")
                .put("format", "gguf")
                .put("family", "");
        details.putArray("families").add("");
        details.put("parameter_size", "").put("quantization_level", "");
        body.put("object", "list").putArray("data").add(model());
        return body;
    }

    private ObjectNode model() {
        ObjectNode model = Json.object().put("id", options.alias());
        ArrayNode aliases = model.putArray("aliases");
        options.aliases().forEach(aliases::add);
        model.putArray("tags");
        model.put("object", "model");
        ObjectNode architecture = model.putObject("architecture");
        architecture.putArray("input_modalities").add("text");
        architecture.putArray("output_modalities").add("text");
        model.put("created", created).put("owned_by", "llamacpp");
        model.putObject("meta")
                .put("vocab_type", 2)
                .put("n_vocab", Tokenizer.VOCABULARY)
                .put("n_ctx", options.slotContext())
                .put("n_ctx_train", options.contextTokens())
                .put("n_embd", 64)
                .put("n_params", 107_584)
                .put("size", 430_336)
                .put("ftype", "(guessed) all F32");
        return model;
    }

    ObjectNode props() {
        ObjectNode body = Json.object();
        ObjectNode defaults = body.putObject("default_generation_settings");
        defaults.set("params", Json.MAPPER.readTree(DEFAULT_PARAMS));
        defaults.put("n_ctx", options.slotContext());
        body.put("total_slots", options.slots())
                .put("model_alias", options.alias())
                .put("model_ftype", "(guessed) all F32")
                .put("model_path", options.model());
        body.putObject("modalities").put("vision", false).put("video", false).put("audio", false);
        body.put("media_marker", "<__media_%032x__>".formatted(ContentHash.of(options.model())))
                .put("endpoint_slots", options.slotsShown())
                .put("endpoint_props", false)
                .put("endpoint_metrics", options.metricsShown())
                .put("ui", false)
                .putObject("ui_settings");
        body.put("chat_template", CHAT_TEMPLATE);
        ObjectNode capabilities = body.putObject("chat_template_caps");
        TEMPLATE_CAPABILITIES.forEach(name -> capabilities.put(name, AVAILABLE.contains(name)));
        return body.put("bos_token", "<|endoftext|>")
                .put("eos_token", "<|im_end|>")
                .put("build_info", BUILD)
                .put("is_sleeping", false)
                .put("cors_proxy_enabled", false);
    }

    /** Returns the metrics with the header that only they have. */
    Answer metrics(String text) {
        Map.Entry<String, String> start = Map.entry("Process-Start-Time-Unix", Long.toString(created));
        return new Answer.Whole(200, "text/plain; version=0.0.4", Json.utf8(text), List.of(start));
    }

    /** Returns the list of slots; a slot shows what it holds once it has served a request. */
    ArrayNode slots(List<Slot> slots) {
        ArrayNode list = Json.array();
        for (Slot slot : slots) {
            ObjectNode entry = list.addObject()
                    .put("id", slot.id())
                    .put("n_ctx", options.slotContext())
                    .put("speculative", false)
                    .put("is_processing", slot.busy());
            if (slot.last != null) {
                describe(entry, slot, slot.last);
            }
        }
        return list;
    }

    private static void describe(ObjectNode entry, Slot slot, SlotTask task) {
        LlamaRequest request = task.request;
        entry.put("id_task", task.id)
                .put("n_prompt_tokens", slot.size())
                .put("n_prompt_tokens_processed", slot.busy() ? task.prompt.length - task.cachedTokens() : 0)
                .put("n_prompt_tokens_cache", slot.busy() ? task.cachedTokens() : 0);
        ObjectNode params = (ObjectNode) Json.MAPPER.readTree(DEFAULT_PARAMS);
        params.put("max_tokens", request.limit())
                .put("n_predict", request.limit())
                .put("ignore_eos", request.ignoreEnd())
                .put("stream", request.stream())
                .put("n_probs", request.probabilities())
                .put("reasoning_format", "deepseek");
        entry.set("params", params);
        int left = request.limit() < 0 || !slot.busy() ? -1 : request.limit() - task.generated();
        entry.putArray("next_token")
                .addObject()
                .put("has_next_token", slot.busy() || slot.aborted)
                .put("has_new_line", false)
                .put("n_remain", left)
                .put("n_decoded", slot.busy() ? task.generated() : 0);
    }
}
