// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import dev.tandem.core.disagg.Handover.Calls;
import dev.tandem.core.disagg.Handover.ControlCall;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.gateway.answer.AnswerJson;
import io.netty.buffer.ByteBuf;
import java.util.concurrent.TimeoutException;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * Makes the calls of a hand-over, one after the other. Thread-safe.
 *
 * <p>Counters are trusted, not status codes: {@code llama-server} answers 200 also to a slot that does not exist.
 * Source: llama.cpp b11669, recorded 2026-11-21.
 */
final class ControlCalls {
    private static final int NOTHING = 0;
    private static final int MAX_ANSWER_BYTES = 1 << 16;

    private final EngineClient engines;

    ControlCalls(EngineClient engines) {
        this.engines = engines;
    }

    /** Completes when all calls have moved the same number of tokens; or fails with {@code KV_TRANSFER_FAILED}. */
    Mono<Void> run(Calls calls) {
        return Flux.fromIterable(calls.calls())
                .concatMap(this::moved)
                .reduce(ControlCalls::same)
                .then()
                .timeout(calls.within())
                .onErrorMap(ControlCalls::translate);
    }

    private Mono<Integer> moved(ControlCall call) {
        return engines.call(call).flatMap(answer -> {
            if (!answer.successful()) {
                answer.abandon();
                return Mono.error(failed(call.path() + " was answered " + answer.status()));
            }
            return answer.all(MAX_ANSWER_BYTES).map(body -> {
                try {
                    return count(body, call.moved());
                } finally {
                    body.release();
                }
            });
        });
    }

    private static int same(int before, int now) {
        if (before != now) {
            throw failed("tokens moved: " + before + ", then " + now);
        }
        return now;
    }

    private static int count(ByteBuf body, String field) {
        int moved = NOTHING;
        try (JsonParser parser = AnswerJson.open(body)) {
            if (AnswerJson.seek(parser, field) == JsonToken.VALUE_NUMBER_INT) {
                moved = parser.getIntValue();
            }
        } catch (JacksonException broken) {
            throw failed("the answer is not JSON");
        }
        if (moved == NOTHING) {
            throw failed("no tokens were moved");
        }
        return moved;
    }

    private static FailureException failed(String detail) {
        return new FailureException(Failure.KV_TRANSFER_FAILED, detail);
    }

    private static FailureException translate(Throwable thrown) {
        return switch (thrown) {
            case FailureException known when known.failure() == Failure.KV_TRANSFER_FAILED -> known;
            case FailureException other -> new FailureException(Failure.KV_TRANSFER_FAILED, other.detail(), other);
            case TimeoutException late ->
                new FailureException(Failure.KV_TRANSFER_FAILED, "the hand-over took too long", late);
            default -> new FailureException(Failure.KV_TRANSFER_FAILED, "the hand-over failed", thrown);
        };
    }
}
