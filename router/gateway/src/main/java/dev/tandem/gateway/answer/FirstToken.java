// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import dev.tandem.core.disagg.BodyEdits.Edit;
import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufInputStream;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The first token of a completion, which the prefill worker has generated, and the answer that decode goes on with.
 * Immutable.
 *
 * <p>Source: LMCache {@code examples/disagg_prefill/disagg_proxy_server.py}, 2026-01; shape of the stream: vLLM 0.32.0,
 * recorded 2026-11-21.
 */
public final class FirstToken {
    private static final JsonMapper JSON = JsonMapper.shared();

    /** Stands for bytes that are no character yet: the next token would have completed it. */
    private static final String INCOMPLETE = "\ufffd";

    private final JsonNode answer;
    private final int id;
    private final String text;

    private FirstToken(JsonNode answer, int id, String text) {
        this.answer = answer;
        this.id = id;
        this.text = text;
    }

    /**
     * Reads a whole prefill answer, which the caller keeps. Empty when it names no token, when the token ends the
     * answer, or when its text is no whole character: decode then answers from the start.
     */
    public static Optional<FirstToken> in(ByteBuf body) {
        try {
            JsonNode answer = JSON.readTree((InputStream) new ByteBufInputStream(body.duplicate()));
            JsonNode id = answer.path("kv_transfer_params").path("first_tok");
            JsonNode choice = answer.path("choices").path(0);
            String text = choice.path("text").asString("");
            boolean goesOn = choice.path("finish_reason").asString("").equals("length");
            return id.isInt() && goesOn && !text.isEmpty() && !text.contains(INCOMPLETE)
                    ? Optional.of(new FirstToken(answer, id.intValue(), text))
                    : Optional.empty();
        } catch (JacksonException broken) {
            return Optional.empty();
        }
    }

    /**
     * Returns what makes decode go on behind this token.
     *
     * @param prompt JSON list of the prompt's token ids
     * @param maxTokens how many tokens the client wants, at least 2
     */
    public Edit[] edits(String prompt, int maxTokens) {
        String longer = prompt.substring(0, prompt.lastIndexOf(']')) + "," + id + "]";
        return new Edit[] {new Put("prompt", longer), new Put("max_tokens", Integer.toString(maxTokens - 1))};
    }

    /**
     * Returns a stream that begins with this token at once.
     *
     * @param rest decode's answer; begun when the token has been taken
     */
    public EngineAnswer before(Mono<EngineAnswer> rest) {
        Flux<ByteBuf> behind = rest.flatMapMany(decode ->
                decode.successful() ? new SeamUsage(1).corrected(decode.body()) : Flux.error(refused(decode)));
        return new EngineAnswer(
                200,
                new DefaultHttpHeaders().set(HttpHeaderNames.CONTENT_TYPE, "text/event-stream; charset=utf-8"),
                Flux.concat(Mono.fromSupplier(this::event), behind),
                () -> {});
    }

    private static FailureException refused(EngineAnswer decode) {
        decode.abandon();
        return new FailureException(Failure.ENGINE_ERROR, "the worker answered " + decode.status());
    }

    private ByteBuf event() {
        ObjectNode event = JSON.createObjectNode();
        for (String field : new String[] {"id", "object", "created", "model"}) {
            event.set(field, answer.path(field));
        }
        event.putArray("choices")
                .addObject()
                .put("index", 0)
                .put("text", text)
                .putNull("logprobs")
                .putNull("finish_reason")
                .putNull("stop_reason");
        return Unpooled.copiedBuffer("data: " + event + "\n\n", StandardCharsets.UTF_8);
    }

    /** Returns decode's answer, which is not streamed, with this token in front of its text. */
    public EngineAnswer joined(EngineAnswer decode) {
        return decode.successful() ? decode.rewritten(this::joined) : decode;
    }

    private ByteBuf joined(ByteBuf decode) {
        int from = textOffset(decode);
        String quoted = JSON.writeValueAsString(text);
        String answer = decode.toString(StandardCharsets.UTF_8);
        String joined = answer.substring(0, from)
                + quoted.substring(0, quoted.length() - 1)
                + new SeamUsage(1).corrected(answer.substring(from + 1));
        return Unpooled.copiedBuffer(joined, StandardCharsets.UTF_8);
    }

    /** Returns where the text of the first choice begins, in characters, with its quote. */
    private static int textOffset(ByteBuf decode) {
        try (JsonParser parser = AnswerJson.open(decode)) {
            if (AnswerJson.seek(parser, "choices") == JsonToken.START_ARRAY
                    && parser.nextToken() == JsonToken.START_OBJECT) {
                while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                    boolean found = parser.currentName().equals("text");
                    if (parser.nextToken() == JsonToken.VALUE_STRING && found) {
                        int bytes = (int) parser.currentTokenLocation().getByteOffset();
                        return decode.toString(decode.readerIndex(), bytes, StandardCharsets.UTF_8)
                                .length();
                    }
                    parser.skipChildren();
                }
            }
        } catch (JacksonException broken) {
            throw new FailureException(Failure.ENGINE_ERROR, "the worker's answer is no JSON", broken);
        }
        throw new FailureException(Failure.ENGINE_ERROR, "the worker's answer has no text");
    }
}
