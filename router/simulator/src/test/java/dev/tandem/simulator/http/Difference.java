// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import java.util.Arrays;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The only ways in which a simulated answer may differ from a recorded one. Everything else is the same: status, header
 * names, values and their order, JSON fields, their order, types and values, kinds of events and their order, errors
 * byte for byte, names, types, labels and order of metrics.
 */
enum Difference {
    /** Made anew. */
    IDS(
            "Ids are made anew; what is not random in them is the same.",
            JsonNode::isString,
            "id",
            "item_id",
            "remote_request_id",
            "remote_engine_id",
            "system_fingerprint"),
    /** Of the run. */
    TIMES(
            "Times are those of the run: `created`, `created_at`, the header `date`, `..._created` metrics.",
            JsonNode::isNumber,
            "created",
            "created_at"),
    /** Of another model. */
    TEXT(
            "The text is that of another model.",
            JsonNode::isString,
            "text",
            "content",
            "delta",
            "arguments",
            "prompt",
            "token",
            "decoded_token"),
    /** Of another tokenizer. */
    TOKENS(
            "Token ids and their strings are those of another tokenizer.",
            node -> node.isArray() && !node.path(0).isContainer(),
            "token_ids",
            "prompt_token_ids",
            "tokens",
            "token_strs"),
    /** Follow from the tokenizer. */
    COUNTS(
            "Numbers of prompt tokens and of cached ones follow from the tokenizer and from what was asked before.",
            JsonNode::isIntegralNumber,
            "prompt_tokens",
            "completion_tokens",
            "total_tokens",
            "cached_tokens",
            "created_cache_tokens",
            "count",
            "input_tokens",
            "output_tokens",
            "cache_creation_input_tokens",
            "cache_read_input_tokens",
            "original_input_tokens",
            "remote_prefill_cached_tokens"),
    /** Follow from the text. */
    LENGTHS("The header `content-length` of a 2xx answer follows from the text.", node -> false),
    /** Made up. */
    LOGPROBS(
            "Log probabilities, alternatives, offsets and bytes of tokens are made up; their structure is the same.",
            node -> node.isNumber() || (node.isArray() && !node.path(0).has("type")),
            "content",
            "logprob",
            "token_logprobs",
            "top_logprobs",
            "prompt_logprobs",
            "text_offset",
            "bytes",
            "rank"),
    /** Of the run. */
    BLOCKS(
            "Block ids, the side channel's port and the number of remote tokens are those of the run.",
            node -> node.isArray() || node.isIntegralNumber(),
            "remote_block_ids",
            "remote_port",
            "remote_num_tokens"),
    /** One event per token. */
    EVENTS(
            "How many events of one kind follow each other: here every token is one event.",
            JsonNode::isIntegralNumber,
            "sequence_number"),
    /** Free in vLLM too. */
    ORDER("How the events of several answers interleave.", node -> false),
    /** Another model again. */
    TOOL_CALLS(
            "A forced tool call that the limit cut is replayed with a limit that cuts it here, and is one call: the"
                    + " recorded model repeats calls with arguments that are no object.",
            node -> false),
    /** The chain of a hand-over. */
    PARAMETERS(
            "A decode leg carries the parameters of our prefill answer where it carried those of the recorded one.",
            node -> false),
    /** Numbers. */
    METRIC_VALUES(
            "Values of metrics, and of the labels of `vllm:cache_config_info`, are those of the run.", node -> false),
    /** Words. */
    METRIC_HELP("Help texts of metrics are our own.", node -> false),
    /** Follow from the requests. */
    METRIC_SERIES("The series of `http_...` metrics follow from what was asked before.", node -> false);

    private static final Pattern RANDOM =
            Pattern.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{8,}");

    private final String sentence;

    @SuppressWarnings("ImmutableEnumChecker") // a function without state
    private final Predicate<JsonNode> kind;

    @SuppressWarnings("ImmutableEnumChecker") // never written
    private final Set<String> fields;

    Difference(String sentence, Predicate<JsonNode> kind, String... fields) {
        this.sentence = sentence;
        this.kind = kind;
        this.fields = Set.of(fields);
    }

    /** Returns what differs, for the documentation. */
    String sentence() {
        return sentence;
    }

    /** Returns the rule that leaves the value of a field open; null if it must be the same. */
    static @Nullable Difference at(String field, JsonNode value) {
        return Arrays.stream(values())
                .filter(rule -> rule.fields.contains(field) && rule.kind.test(value))
                .findFirst()
                .orElse(null);
    }

    /** Returns what must be the same of a value that this rule leaves open. */
    String rest(String field, JsonNode value) {
        return this == IDS ? RANDOM.matcher(value.stringValue()).replaceAll("#") : JsonShape.of(field, value);
    }
}
