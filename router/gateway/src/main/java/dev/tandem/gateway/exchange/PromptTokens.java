// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.request.ApiKind;
import dev.tandem.gateway.answer.AnswerJson;
import dev.tandem.gateway.answer.EngineAnswer;
import dev.tandem.gateway.body.Continuable;
import dev.tandem.gateway.body.RequestBody;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Finds the token ids of prompts: in the request, or with the tokenizer of the worker that computes it. Thread-safe.
 */
final class PromptTokens {
    private static final int ANSWER_BYTES = 32 << 20;

    private final EngineClient engines;

    PromptTokens(EngineClient engines) {
        this.engines = engines;
    }

    /**
     * Returns the prompt of a leg as a JSON list of token ids, as its engine tokenizes it; empty when the engine does
     * not say. What is wrong with engine or request, the leg itself will tell.
     *
     * @param promptOnly edits of the client's body after which only what a tokenizer needs is left
     */
    Mono<String> of(LegRequest request, BodyEdits promptOnly) {
        return switch (request.body()) {
            case RequestBody.Json body ->
                Continuable.tokenIds(body).map(Mono::just).orElseGet(() -> ask(request, body, promptOnly));
            case RequestBody.Passthrough unread -> Mono.empty();
        };
    }

    private Mono<String> ask(LegRequest request, RequestBody.Json body, BodyEdits promptOnly) {
        Leg leg = new Leg(request.leg().worker(), ApiKind.TOKENIZE, promptOnly);
        return engines.send(
                        new LegRequest(leg, request.kind(), body, request.exchangeId(), request.headers(), false, true))
                .flatMap(PromptTokens::read)
                .onErrorResume(FailureException.class, failure -> Mono.empty());
    }

    private static Mono<String> read(EngineAnswer answer) {
        if (!answer.successful()) {
            answer.abandon();
            return Mono.empty();
        }
        return answer.all(ANSWER_BYTES).mapNotNull(PromptTokens::ids);
    }

    private static @Nullable String ids(ByteBuf answer) {
        try {
            return AnswerJson.list(answer, "tokens")
                    .filter(list -> list.length() > "[]".length())
                    .orElse(null);
        } finally {
            answer.release();
        }
    }
}
