// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.disagg.ConnectorChoice;
import dev.tandem.core.disagg.Handover.Carried;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.Seat;
import dev.tandem.core.fleet.WorkerStatus;
import dev.tandem.core.lifecycle.RequestListener.TurnResult;
import dev.tandem.gateway.answer.TokenIdFields;
import dev.tandem.gateway.body.RequestBody;
import dev.tandem.gateway.turn.Conversation;
import dev.tandem.gateway.turn.TokenIds;
import dev.tandem.gateway.turn.Turn;
import dev.tandem.gateway.turn.TurnAnswer;
import dev.tandem.gateway.turn.Turns;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Mono;

/**
 * Lets the prefill leg of a conversation's turn read the KV cache that a decode worker has kept of the turn before.
 * Thread-safe.
 */
public final class LastTurns {
    private static final String RETURN_IDS = "return_token_ids";

    private final Turns turns;
    private final Fleet fleet;
    private final ConnectorChoice connectors;
    private final PromptTokens prompts;

    /** Makes one; {@code engines} is asked for the tokens of prompts. */
    public LastTurns(Turns turns, Fleet fleet, ConnectorChoice connectors, EngineClient engines) {
        this.turns = turns;
        this.fleet = fleet;
        this.connectors = connectors;
        this.prompts = new PromptTokens(engines);
    }

    /**
     * Returns the prefill leg, which reads what was kept if its prompt goes on from there. Only then its worker is
     * asked for the tokens of the prompt, when something was kept that it could read.
     */
    Mono<LegRequest> recalled(Attempt attempt, Asked asked, LegRequest prefill) {
        return turn(attempt, asked)
                .flatMap(next -> turns.find(next.conversation().key())
                        .filter(last -> readable(next, last))
                        .map(last -> recalled(next, last, prefill)))
                .orElseGet(() -> Mono.just(prefill));
    }

    private Mono<LegRequest> recalled(Next next, Turn last, LegRequest prefill) {
        return prompts.of(prefill, next.conversation().promptOnly())
                .flatMap(ids -> Mono.justOrEmpty(TokenIds.list(Unpooled.copiedBuffer(ids, StandardCharsets.US_ASCII))))
                .map(prompt -> last.precedes(prompt) ? TurnResult.READ : TurnResult.CHANGED)
                .filter(result -> turns.take(next.conversation().key(), last, result) && result == TurnResult.READ)
                .map(read -> prefill.with(last.params()))
                .defaultIfEmpty(prefill);
    }

    /** An engine that was restarted since has forgotten it, and one that does not fit cannot be read. */
    private boolean readable(Next next, Turn last) {
        Seat keeper = last.decode();
        boolean there = fleet.status(keeper.worker())
                .filter(now -> now.state() != WorkerStatus.State.DOWN && now.starts() == last.starts())
                .isPresent();
        if (!there) {
            turns.take(next.conversation().key(), last, TurnResult.UNREAD);
        }
        return there && connectors.pairs(next.seats().prefill().facts(), keeper.facts());
    }

    /** Returns a decode leg whose answer tells the ids of all tokens, if it is one of a conversation. */
    LegRequest telling(Attempt attempt, Asked asked, LegRequest decode) {
        return turn(attempt, asked).isPresent() && !asks(decode) ? decode.with(new Put(RETURN_IDS, "true")) : decode;
    }

    /**
     * Returns what is done with the whole answer of a decode leg that was made by {@link #telling}: what its worker
     * keeps is noted, and the client sees ids of tokens only if it has asked for them.
     *
     * @param decode the leg as it was before
     */
    UnaryOperator<ByteBuf> noting(Attempt attempt, Asked asked, LegRequest decode) {
        return turn(attempt, asked)
                .<UnaryOperator<ByteBuf>>map(turn -> {
                    boolean shown = asks(decode);
                    return answer -> {
                        note(turn, answer);
                        return shown ? answer : TokenIdFields.hide(answer);
                    };
                })
                .orElseGet(UnaryOperator::identity);
    }

    private void note(Next turn, ByteBuf answer) {
        Seat keeper = turn.seats().decode();
        fleet.status(keeper.worker())
                .flatMap(status -> TurnAnswer.read(answer, turn.wanted(), keeper, status.starts()))
                .ifPresent(kept -> turns.keep(turn.conversation().key(), kept));
    }

    private static boolean asks(LegRequest request) {
        return request.body() instanceof RequestBody.Json body
                && body.text(RETURN_IDS).map("true"::equals).orElse(false);
    }

    /** Returns the turn that an attempt is; empty for one that neither reads nor leaves anything. */
    private static Optional<Next> turn(Attempt attempt, Asked asked) {
        Conversation conversation = asked.conversation();
        return conversation == null
                ? Optional.empty()
                : attempt.seats()
                        .flatMap(
                                seats -> Optional.ofNullable(attempt.connector().readBack(seats.decode()))
                                        .map(wanted -> new Next(conversation, seats, wanted)));
    }

    /**
     * A turn that is under way.
     *
     * @param conversation its conversation
     * @param seats who hands over to whom
     * @param wanted what decode has to say of what it keeps
     */
    private record Next(Conversation conversation, Seats seats, Carried wanted) {}
}
