// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.resume;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.request.ApiKind;
import dev.tandem.gateway.answer.TokenIdFields;
import dev.tandem.gateway.answer.WholeEvents;
import dev.tandem.gateway.body.Resumable;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.SynchronousSink;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a client has got of a stream, event by event, and so where another worker has to go on. Confined to one request.
 *
 * <p>A token is <em>certain</em> when its text, and that of all before it, has reached the client and nothing is held
 * back: a worker keeps the bytes of half a character, and puts several tokens into one event when it is busy. Another
 * worker goes on behind the last certain token. What the client has beyond it, it generates again, which is exact only
 * as long as sampling is greedy, and that is checked word for word.
 */
final class Transcript {
    private static final Pattern EVENT_ENDS = Pattern.compile("(?<=\n\r?\n)");
    private static final String INCOMPLETE = "\ufffd";

    private final Resumable request;
    private final TokenIds tokens;
    private final StringBuilder delivered = new StringBuilder();
    private final StringBuilder said = new StringBuilder();
    private final Envelope envelope;
    private ApiKind spoken;
    private int promptTokens;
    private @Nullable JsonNode prompt;
    private int certain;
    private int before;
    private boolean further;
    private boolean thinks;
    private boolean blind;
    private boolean finished;
    private boolean usageTold;
    private boolean done;

    /**
     * Begins one.
     *
     * @param mostTokens most tokens of prompt and answer that are kept
     */
    Transcript(ApiKind api, Resumable request, int mostTokens) {
        this.request = request;
        this.tokens = new TokenIds(mostTokens);
        this.envelope = new Envelope(api);
        this.spoken = api;
    }

    /** Notes events, and passes them on as the client is to see them. */
    void pass(String events, SynchronousSink<ByteBuf> out) {
        StringBuilder shown = new StringBuilder(events.length());
        FailureException broken = collect(events, shown);
        if (!shown.isEmpty()) {
            out.next(Unpooled.copiedBuffer(shown, WholeEvents.BYTES));
        }
        if (broken != null) {
            out.error(broken);
        }
    }

    private @Nullable FailureException collect(String events, StringBuilder shown) {
        try {
            EVENT_ENDS.splitAsStream(events).map(this::shown).forEachOrdered(shown::append);
            return null;
        } catch (FailureException broken) {
            return broken;
        }
    }

    /** Whether the client has everything. */
    boolean complete() {
        return done;
    }

    private String shown(String event) {
        if (!event.startsWith("data:")) {
            return event;
        }
        String data = event.substring("data:".length()).strip();
        if (data.equals("[DONE]")) {
            done = true;
            return event;
        }
        Chunk chunk = new Chunk(spoken, parsed(data));
        if (chunk.failed()) {
            throw new FailureException(Failure.STREAM_INTERRUPTED, "the worker reported an error in its stream");
        }
        return further ? rewritten(chunk) : first(chunk, event);
    }

    private static ObjectNode parsed(String data) {
        try {
            return (ObjectNode) Chunk.JSON.readTree(data.getBytes(WholeEvents.BYTES));
        } catch (JacksonException | ClassCastException cut) {
            throw new FailureException(Failure.STREAM_INTERRUPTED, "the worker's stream stopped inside an event", cut);
        }
    }

    private String first(Chunk chunk, String event) {
        envelope.takeFrom(chunk.event());
        note(chunk);
        return request.showsIds() ? event : TokenIdFields.hidden(event);
    }

    private String rewritten(Chunk chunk) {
        String news = note(chunk);
        if (chunk.tellsUsage()) {
            return envelope.usage(chunk, before);
        }
        return news.isEmpty() && !chunk.finishes() ? "" : envelope.piece(chunk, news, request.showsIds());
    }

    /** Returns the text that the client does not have yet. */
    private String note(Chunk chunk) {
        String text = chunk.text();
        JsonNode ids = chunk.tokens();
        if (prompt == null && chunk.promptTokens().isArray()) {
            prompt = chunk.promptTokens();
            promptTokens = prompt.size();
        }
        tokens.add(ids);
        thinks = text.isEmpty() && (thinks || chunk.addsMore());
        blind |= !text.isEmpty() && ids.isEmpty();
        finished |= chunk.finishes();
        usageTold |= chunk.tellsUsage();
        String news = news(text);
        if (ids.size() == 1 && !text.isEmpty() && !text.endsWith(INCOMPLETE)) {
            certain = tokens.count();
            delivered.delete(0, said.length());
            said.setLength(0);
        }
        return news;
    }

    private String news(String text) {
        said.append(text);
        int both = Math.min(said.length(), delivered.length());
        if (!said.substring(0, both).equals(delivered.substring(0, both))) {
            throw new FailureException(Failure.STREAM_INTERRUPTED, "another worker went on with other text");
        }
        String news = said.substring(both);
        delivered.append(news);
        return news;
    }

    /**
     * Returns how another worker can go on, and expects it to do so.
     *
     * @param contextTokens most tokens of prompt and answer, 0 when nobody knows
     */
    Continuation next(int contextTokens) {
        if (finished) {
            return end();
        }
        if (tokens.count() == 0 && delivered.isEmpty() && !thinks) {
            further = true;
            return new Continuation.FromStart();
        }
        JsonNode known = prompt;
        if (known == null || blind) {
            return new Continuation.Impossible("the worker does not tell token ids");
        }
        if (tokens.incomplete()) {
            return new Continuation.Impossible("the answer is too long");
        }
        boolean again = !delivered.isEmpty() && !request.greedy();
        boolean idsAgain = request.showsIds() && tokens.count() > certain;
        if (thinks || again || idsAgain) {
            return new Continuation.Impossible("the answer was cut where another worker cannot go on exactly");
        }
        int all = request.maxTokens() > 0 ? request.maxTokens() : contextTokens - promptTokens;
        return all > certain ? behind(known, all - certain) : new Continuation.Impossible("no room is left");
    }

    private Continuation behind(JsonNode known, int most) {
        tokens.cut(certain);
        said.setLength(0);
        before = certain;
        further = true;
        spoken = ApiKind.COMPLETIONS;
        return new Continuation.Behind(request.behind(tokens.behind(known), most));
    }

    /** The text is complete, only what says so is missing. */
    private Continuation end() {
        boolean owed = request.showsUsage() && !usageTold;
        if (owed && prompt == null) {
            return new Continuation.Impossible("the worker does not tell token ids");
        }
        done = true;
        return new Continuation.End((owed ? envelope.usage(promptTokens, tokens.count()) : "") + "data: [DONE]\n\n");
    }
}
