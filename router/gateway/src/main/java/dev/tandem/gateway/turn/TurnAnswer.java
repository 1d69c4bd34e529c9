// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.turn;

import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.disagg.Handover.Carried;
import dev.tandem.core.fleet.Seat;
import dev.tandem.gateway.answer.AnswerJson;
import dev.tandem.gateway.answer.PrefillAnswer;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/** Reads out of a decode worker's answer what it keeps for the next turn. Stateless. */
public final class TurnAnswer {
    private static final String COVERED = "remote_num_tokens";

    private TurnAnswer() {}

    /**
     * Returns what a worker keeps; empty when the answer does not say where it lies, or not all of its tokens.
     *
     * <p>The KV of the last token is not computed when an answer ends, so one token less is covered than there are.
     * Source: vLLM 0.32.0, two CPU engines with {@code bidirectional_kv_xfer}, 2026-11-22.
     *
     * @param answer the whole answer; the caller keeps it
     * @param wanted what it has to say
     * @param starts how often the worker has come up
     */
    public static Optional<Turn> read(ByteBuf answer, Carried wanted, Seat decode, int starts) {
        return PrefillAnswer.carried(answer, wanted)
                .flatMap(params -> TokenIds.ofAnswer(answer).flatMap(ids -> turn(ids, params, decode, starts)));
    }

    private static Optional<Turn> turn(TokenIds ids, Put params, Seat decode, int starts) {
        int covered = covered(params);
        return covered < 1 || covered > ids.count()
                ? Optional.empty()
                : Optional.of(new Turn(decode, starts, params, covered, ids.digest(covered)));
    }

    private static int covered(Put params) {
        ByteBuf json = Unpooled.copiedBuffer(params.json(), StandardCharsets.UTF_8);
        try (JsonParser parser = AnswerJson.open(json)) {
            return AnswerJson.seek(parser, COVERED) == JsonToken.VALUE_NUMBER_INT ? parser.getIntValue() : 0;
        } catch (JacksonException notANumber) {
            return 0;
        }
    }
}
