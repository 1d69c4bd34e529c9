// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import reactor.core.publisher.SynchronousSink;

/**
 * Answers that an engine has given up in the midst, for want of memory: {@code stop_reason} is {@code recomputed}, the
 * rest looks like an answer that is complete. Stateless.
 *
 * <p>Source: vllm-ascend {@code examples/disaggregated_prefill_v1}, 2026-08-22.
 */
public final class GivenUp {
    private static final String MARK = "\"stop_reason\":\"recomputed\"";

    private GivenUp() {}

    /** Whether a piece of an answer says so. */
    public static boolean in(CharSequence text) {
        return text.toString().contains(MARK);
    }

    /** Returns a stream that fails where it is given up, instead of ending well. */
    public static EngineAnswer failing(EngineAnswer answer) {
        return answer.streaming(WholeEvents.in(answer.body()).handle(GivenUp::pass), answer::abandon);
    }

    private static void pass(String events, SynchronousSink<ByteBuf> out) {
        if (in(events)) {
            int event = events.lastIndexOf("\n\n", events.indexOf(MARK));
            emit(events.substring(0, event < 0 ? 0 : event + 2), out);
            out.error(new FailureException(Failure.STREAM_INTERRUPTED, "the worker gave the request up"));
        } else {
            emit(events, out);
        }
    }

    private static void emit(String events, SynchronousSink<ByteBuf> out) {
        if (!events.isEmpty()) {
            out.next(Unpooled.copiedBuffer(events, WholeEvents.BYTES));
        }
    }
}
