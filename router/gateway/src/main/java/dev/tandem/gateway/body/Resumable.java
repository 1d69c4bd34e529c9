// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.disagg.BodyEdits.Edit;
import dev.tandem.core.disagg.BodyEdits.Edit.Drop;
import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.request.ApiKind;
import io.netty.buffer.ByteBufInputStream;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A streamed completion or chat with which another worker can go on when its own has died, from the tokens that the
 * client has. Immutable; borrows the request's body.
 *
 * <p>Whoever goes on gets the tokens of prompt and answer as the prompt of a completion. What such a completion does
 * not do as the request would have done is left out: as {@link Continuable}, this is a closed list. Fields that only
 * shape the prompt are in its tokens by then.
 */
public final class Resumable {
    private static final JsonFactory JSON = new JsonFactory();
    private static final JsonMapper MAPPER = JsonMapper.shared();

    /** Reading a larger body once more would hold its event loop up. */
    static final int LARGEST_BODY = 256 << 10;

    private static final String PROMPT = "prompt";
    private static final String MESSAGES = "messages";
    private static final String MAX_TOKENS = "max_tokens";
    private static final String MAX_COMPLETION_TOKENS = "max_completion_tokens";
    private static final String TEMPERATURE = "temperature";
    private static final String OPTIONS = "stream_options";
    private static final String TOKEN_IDS = "return_token_ids";

    /** The edit after which workers tell the ids of their tokens. */
    public static final Edit TELLING_IDS = new Put(TOKEN_IDS, "true");

    private static final Set<String> OF_COMPLETIONS = Set.of(PROMPT, MAX_TOKENS);
    private static final Set<String> OF_CHATS =
            Set.of(MESSAGES, MAX_TOKENS, MAX_COMPLETION_TOKENS, "chat_template_kwargs", "parallel_tool_calls");

    /** Fields that would tell tokens apart, and the values with which they do not. */
    private static final Map<String, Set<String>> NEUTRAL = Map.ofEntries(
            Map.entry("n", Set.of("1", "null")),
            Map.entry("best_of", Set.of("1", "null")),
            Map.entry("echo", Set.of("false", "null")),
            Map.entry("stop", Set.of("[]", "null")),
            Map.entry("suffix", Set.of("null")),
            Map.entry("logprobs", Set.of("false", "null")),
            Map.entry("top_logprobs", Set.of("0", "null")),
            Map.entry("prompt_logprobs", Set.of("null")),
            Map.entry("presence_penalty", Set.of("0", "0.0", "null")),
            Map.entry("frequency_penalty", Set.of("0", "0.0", "null")),
            Map.entry("seed", Set.of("null")),
            Map.entry("tools", Set.of("[]", "null")),
            Map.entry("tool_choice", Set.of("\"none\"", "null")),
            Map.entry("response_format", Set.of("{\"type\":\"text\"}", "null")),
            Map.entry("store", Set.of("false", "null")));

    /** A text, or the ids of its tokens. */
    private static final Pattern ONE_PROMPT = Pattern.compile("(\"|\\[\\s*\\d).*", Pattern.DOTALL);

    private static final Set<String> ZERO = Set.of("0", "0.0");

    /** Kinds of content of which a prompt's tokens hold everything. */
    private static final Set<String> TEXT_PARTS = Set.of("text", "function");

    private final ApiKind api;
    private final RequestBody.Json body;
    private final List<Edit> drops;
    private final int maxTokens;
    private final boolean greedy;
    private final boolean showsIds;
    private final boolean showsUsage;

    private Resumable(ApiKind api, RequestBody.Json body, int maxTokens) {
        this.api = api;
        this.body = body;
        this.drops =
                body.names().filter(name -> !kept(name)).<Edit>map(Drop::new).toList();
        this.maxTokens = maxTokens;
        this.greedy = body.text(TEMPERATURE).map(ZERO::contains).orElse(false);
        this.showsIds = body.text(TOKEN_IDS).map("true"::equals).orElse(false);
        this.showsUsage =
                body.text(OPTIONS).map(options -> options.contains("true")).orElse(false);
    }

    /** Returns a request as one, if it is one. */
    public static Optional<Resumable> of(ApiKind api, RequestBody body) {
        return body instanceof RequestBody.Json json && json.size() <= LARGEST_BODY
                ? switch (api) {
                    case COMPLETIONS -> completion(json);
                    case CHAT -> chat(json);
                    default -> Optional.empty();
                }
                : Optional.empty();
    }

    private static Optional<Resumable> completion(RequestBody.Json body) {
        boolean single =
                body.text(PROMPT).map(ONE_PROMPT.asMatchPredicate()::test).orElse(false);
        int most = Continuable.maxTokens(body);
        return single && most > 0 && known(body, OF_COMPLETIONS)
                ? Optional.of(new Resumable(ApiKind.COMPLETIONS, body, most))
                : Optional.empty();
    }

    private static Optional<Resumable> chat(RequestBody.Json body) {
        int newer = Continuable.limit(body, MAX_COMPLETION_TOKENS);
        int most = newer == 0 ? Continuable.limit(body, MAX_TOKENS) : newer;
        return most >= 0 && known(body, OF_CHATS) && textOnly(body)
                ? Optional.of(new Resumable(ApiKind.CHAT, body, most))
                : Optional.empty();
    }

    private static boolean known(RequestBody.Json body, Set<String> own) {
        return Continuable.knownOptions(body)
                && body.names().allMatch(name -> kept(name) || own.contains(name) || neutral(body, name));
    }

    private static boolean kept(String name) {
        return Continuable.SAMPLING.contains(name) || name.equals(TOKEN_IDS);
    }

    private static boolean neutral(RequestBody.Json body, String name) {
        Set<String> values = NEUTRAL.getOrDefault(name, Set.of());
        return body.text(name)
                .map(value -> values.contains(value.replaceAll("\\s", "")))
                .orElse(false);
    }

    /** A prompt's tokens do not hold its images, nor sound. */
    static boolean textOnly(RequestBody.Json body) {
        InputStream bytes = new ByteBufInputStream(body.bytes().duplicate());
        try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), bytes)) {
            for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
                boolean kind = token == JsonToken.VALUE_STRING && "type".equals(parser.currentName());
                if (kind && !TEXT_PARTS.contains(parser.getString())) {
                    return false;
                }
            }
            return true;
        }
    }

    /** Whether the same tokens come again if asked for again. */
    public boolean greedy() {
        return greedy;
    }

    /** Returns how many tokens may be generated; 0 for as many as the context has room for. */
    public int maxTokens() {
        return maxTokens;
    }

    /** Whether the client wants to see token ids. */
    public boolean showsIds() {
        return showsIds;
    }

    /** Whether the client wants the usage at the end of the stream. */
    public boolean showsUsage() {
        return showsUsage;
    }

    /**
     * Returns the edits that make a completion of the request, which goes on behind tokens.
     *
     * @param tokens ids of the tokens of prompt and answer, a JSON list
     * @param most how many tokens may follow, at least 1
     */
    public BodyEdits behind(String tokens, int most) {
        return new BodyEdits(drops).and(new Put(PROMPT, tokens), new Put(MAX_TOKENS, Integer.toString(most)));
    }

    /**
     * Returns the edits that make the same request go on behind text that stands at the end of its prompt, or as an
     * answer that has begun; empty where there is no place for it. Source: vLLM 0.32.0 and SGLang of 2026-07
     * ({@code continue_final_message}), llama.cpp b11669 (a last message of the assistant is gone on with).
     *
     * @param text what has been generated
     * @param most how many tokens may follow, at least 1; not looked at where the client has set no limit
     */
    public Optional<BodyEdits> behindText(String text, int most) {
        String json = MAPPER.writeValueAsString(text);
        Optional<BodyEdits> edits = api == ApiKind.CHAT ? behindMessages(json) : behindPrompt(json);
        return maxTokens == 0 ? edits : edits.map(behind -> behind.and(limit(most)));
    }

    private static Edit[] limit(int most) {
        return new Edit[] {new Drop(MAX_COMPLETION_TOKENS), new Put(MAX_TOKENS, Integer.toString(most))};
    }

    /** Where the client has set no limit, engines have different ones of their own. */
    private Optional<BodyEdits> behindPrompt(String json) {
        return body.text(PROMPT)
                .filter(prompt -> prompt.startsWith("\"") && body.fields().indexOf(MAX_TOKENS) >= 0)
                .map(prompt -> prompt.substring(0, prompt.length() - 1) + json.substring(1))
                .map(prompt -> new BodyEdits(List.of(new Put(PROMPT, prompt))));
    }

    private Optional<BodyEdits> behindMessages(String json) {
        return body.text(MESSAGES)
                .filter(Resumable::awaitsAnswer)
                .map(messages -> messages.substring(0, messages.lastIndexOf(']'))
                        + ",{\"role\":\"assistant\",\"content\":" + json + "}]")
                .map(messages -> new BodyEdits(List.of(
                        new Put(MESSAGES, messages),
                        new Put("add_generation_prompt", "false"),
                        new Put("continue_final_message", "true"))));
    }

    private static boolean awaitsAnswer(String messages) {
        JsonNode list = MAPPER.readTree(messages);
        JsonNode last = list.path(list.size() - 1).path("role");
        return last.isString() && !last.stringValue().equals("assistant");
    }
}
