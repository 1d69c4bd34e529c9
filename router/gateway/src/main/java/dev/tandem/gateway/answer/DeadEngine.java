// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import io.netty.buffer.ByteBuf;
import java.time.Duration;
import reactor.core.publisher.Mono;

/**
 * Engines that have died and still say so: the core of vLLM has ended, and the process that answers for it ends a
 * moment later. Stateless.
 *
 * <p>Only these words make an error a death; any other 500 or error event is that of an engine that lives on and fails
 * one request. Source: vLLM 0.32.0, recorded 2026-11-21. SGLang and llama-server end without a word, and their
 * connections with them.
 */
public final class DeadEngine {
    private static final String WORDS = "EngineCore encountered an issue";
    private static final int MOST_BYTES = 4096;

    /** An error comes in one piece; whoever announces one and sends none is not waited for. */
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private DeadEngine() {}

    /** Returns a failure, caused by {@link Failure#ENGINE_DROPPED} if what the engine has said is that it is dead. */
    public static FailureException judged(FailureException failure, CharSequence said) {
        return said.toString().contains(WORDS)
                ? new FailureException(
                        failure.failure(),
                        failure.detail(),
                        new FailureException(Failure.ENGINE_DROPPED, "the worker's engine is dead"))
                : failure;
    }

    /** As {@link #judged}, of what the answer of an engine says; long ones are given up unread. */
    public static Mono<FailureException> heard(EngineAnswer answer, FailureException failure) {
        if (answer.contentLength() <= 0 || answer.contentLength() > MOST_BYTES) {
            answer.abandon();
            return Mono.just(failure);
        }
        return answer.all(MOST_BYTES)
                .map(body -> judged(failure, text(body)))
                .timeout(PATIENCE, Mono.just(failure))
                .onErrorReturn(FailureException.class, failure);
    }

    private static String text(ByteBuf body) {
        try {
            return body.toString(WholeEvents.BYTES);
        } finally {
            body.release();
        }
    }
}
