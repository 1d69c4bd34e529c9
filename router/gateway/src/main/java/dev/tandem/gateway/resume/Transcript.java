// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.resume;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.request.ApiKind;
import dev.tandem.gateway.answer.DeadEngine;
import dev.tandem.gateway.answer.TokenIdFields;
import dev.tandem.gateway.answer.WholeEvents;
import dev.tandem.gateway.body.Resumable;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Optional;
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
 * as long as sampling is greedy, and that is checked word for word. Of a worker that tells no ids, no token is certain.
 */
final class Transcript {
    private static final String INCOMPLETE = "\ufffd";

    private final ApiKind api;
    private final Resumable request;
    private final boolean behindText;
    private final TokenIds tokens;
    private final DeliveredText delivered;
    private final Envelope envelope;
    private ApiKind spoken;
    private int promptTokens;
    private @Nullable JsonNode prompt;
    private int certain;
    private int inPrompt;
    private int before;
    private boolean further;
    private boolean thinks;
    private boolean thought;
    private boolean skipsThoughts;
    private boolean blind;
    private boolean finished;
    private boolean usageTold;
    private boolean done;

    Transcript(ApiKind api, Resumable request, ResumeSettings settings) {
        this.api = api;
        this.request = request;
        this.behindText = settings.mode() == ResumeMode.TEXT;
        this.tokens = new TokenIds(settings.maxTokens());
        this.delivered = new DeliveredText(settings.maxCharacters());
        this.envelope = new Envelope(api, request);
        this.spoken = api;
    }

    /** Notes events, and passes them on as the client is to see them. */
    void pass(String events, SynchronousSink<ByteBuf> out) {
        StringBuilder shown = new StringBuilder(events.length());
        FailureException broken = collect(events, shown);
        if (!shown.isEmpty()) {
            out.next(Unpooled.wrappedBuffer(shown.toString().getBytes(WholeEvents.BYTES)));
        }
        if (broken != null) {
            out.error(broken);
        }
    }

    private @Nullable FailureException collect(String events, StringBuilder shown) {
        try {
            int from = 0;
            while (from < events.length()) {
                int end = WholeEvents.endOfFirst(events, from);
                shown.append(shown(events.substring(from, end)));
                from = end;
            }
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
            throw DeadEngine.judged(
                    new FailureException(Failure.STREAM_INTERRUPTED, "the worker reported an error in its stream"),
                    data);
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
        boolean ended = finished;
        boolean promptNews = prompt == null;
        String news = note(chunk);
        boolean adds = !news.isEmpty() || (chunk.addsMore() && !skipsThoughts);
        boolean ends = chunk.finishes() && !ended;
        return adds || ends || chunk.tellsUsage() ? envelope.rewritten(chunk, news, before, promptNews) : "";
    }

    /** Returns the text that the client does not have yet. */
    private String note(Chunk chunk) {
        String text = chunk.text();
        JsonNode ids = chunk.tokens();
        if (prompt == null && !chunk.promptTokens().isEmpty()) {
            prompt = chunk.promptTokens();
            promptTokens = prompt.size();
        }
        blind |= ids.isEmpty() ? !text.isEmpty() : prompt == null;
        if (!blind) {
            tokens.add(ids);
        }
        thinks = text.isEmpty() && (thinks || (chunk.addsMore() && !skipsThoughts));
        thought |= chunk.addsMore();
        finished |= chunk.finishes();
        usageTold |= chunk.tellsUsage();
        String news = delivered.add(text);
        if (!blind && ids.size() == 1 && !text.isEmpty() && !text.endsWith(INCOMPLETE)) {
            certain = tokens.count();
            delivered.forget();
        }
        return news;
    }

    /**
     * Returns how another worker can go on, and expects it to do so.
     *
     * @param contextTokens most tokens of prompt and answer, 0 when nobody knows
     */
    Continuation next(int contextTokens) {
        boolean owed = request.showsUsage() && !usageTold;
        JsonNode known = prompt;
        if (finished && (!owed || (known != null && !blind))) {
            return end(owed);
        }
        if (tokens.incomplete() || delivered.tooLong()) {
            return new Continuation.Impossible("the answer is too long");
        }
        if (tokens.count() == 0 && delivered.isEmpty() && !thinks) {
            return fromStart();
        }
        if (known == null && !request.greedy()) {
            return new Continuation.Impossible("the worker does not tell token ids");
        }
        boolean again = !delivered.isEmpty() && !request.greedy();
        boolean idsAgain = request.showsIds() && tokens.count() > certain;
        if (thinks || again || idsAgain) {
            return new Continuation.Impossible("the answer was cut where another worker cannot go on exactly");
        }
        return known == null ? withoutIds() : behindTokens(known, contextTokens);
    }

    private Continuation behindTokens(JsonNode known, int contextTokens) {
        int given = inPrompt + certain;
        int all = request.maxTokens() > 0 ? request.maxTokens() : contextTokens - promptTokens + inPrompt;
        if (all <= given) {
            return new Continuation.Impossible("no room is left");
        }
        delivered.fromStart();
        goOn(ApiKind.COMPLETIONS, certain, given);
        return new Continuation.Behind(spoken, request.behind(tokens.behind(known), all - given));
    }

    private Continuation withoutIds() {
        return behindText && !finished && !thought
                ? behindText(delivered.piecesBeforeLastWord()).orElseGet(this::fromStart)
                : fromStart();
    }

    /** Of how many tokens a text has come is not known: each piece counts as one. */
    private Optional<Continuation> behindText(int pieces) {
        String text = delivered.beforeLastWord();
        int left = request.maxTokens() - pieces;
        if (text.isEmpty() || (request.maxTokens() > 0 && left <= 0)) {
            return Optional.empty();
        }
        return request.behindText(text, left).map(edits -> {
            delivered.fromLastWord();
            goOn(api, 0, pieces);
            inPrompt = pieces;
            return new Continuation.Behind(api, edits);
        });
    }

    private Continuation fromStart() {
        delivered.fromStart();
        goOn(api, 0, 0);
        inPrompt = 0;
        return new Continuation.FromStart();
    }

    /**
     * Expects a worker that goes on.
     *
     * @param kept tokens whose ids stay known
     * @param given tokens of the answer that it gets in its prompt
     */
    private void goOn(ApiKind asked, int kept, int given) {
        further = !envelope.isEmpty();
        skipsThoughts = thought;
        blind = false;
        spoken = asked;
        tokens.cut(kept);
        certain = kept;
        before = given;
    }

    /** The text is complete, only what says so is missing. */
    private Continuation end(boolean owed) {
        done = true;
        String usage = owed ? envelope.usage(promptTokens - inPrompt, inPrompt + tokens.count()) : "";
        return new Continuation.End(usage + "data: [DONE]\n\n");
    }
}
