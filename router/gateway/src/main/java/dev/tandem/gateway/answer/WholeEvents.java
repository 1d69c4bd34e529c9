// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import io.netty.buffer.ByteBuf;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import reactor.core.publisher.Flux;
import reactor.core.publisher.SynchronousSink;

/** Holds the events of a stream until they are whole. Confined to one request. */
public final class WholeEvents {
    /** Bytes as characters, so that every byte stays what it is. */
    public static final Charset BYTES = StandardCharsets.ISO_8859_1;

    private static final int LONGEST = 1 << 20;

    private final StringBuilder held = new StringBuilder();

    private WholeEvents() {}

    /**
     * Returns the same stream in pieces of one or more whole events, each with the blank line behind it; what the
     * stream ends with, whole or not, is the last piece.
     *
     * @param body buffers that are released here
     */
    public static Flux<String> in(Flux<ByteBuf> body) {
        return Flux.defer(() -> {
            WholeEvents events = new WholeEvents();
            return body.<String>handle(events::pass).concatWith(Flux.defer(events::rest));
        });
    }

    /** Returns where the event ends that begins there, the blank line behind it included, or the end of all. */
    public static int endOfFirst(String events, int from) {
        for (int at = events.indexOf('\n', from); at >= 0; at = events.indexOf('\n', at + 1)) {
            if (events.startsWith("\n", at - 1) || events.startsWith("\n\r", at - 2)) {
                return at + 1;
            }
        }
        return events.length();
    }

    private void pass(ByteBuf piece, SynchronousSink<String> out) {
        held.append(piece.toString(BYTES));
        piece.release();
        int end = endOfEvents();
        if (end > 0) {
            out.next(held.substring(0, end));
            held.delete(0, end);
        } else if (held.length() > LONGEST) {
            out.error(new FailureException(Failure.ENGINE_ERROR, "an event of the worker's stream is too long"));
        }
    }

    private int endOfEvents() {
        int blank = held.lastIndexOf("\n\n");
        int blankLine = held.lastIndexOf("\n\r\n");
        return blank < 0 && blankLine < 0 ? 0 : Math.max(blank + 2, blankLine + 3);
    }

    private Flux<String> rest() {
        return held.isEmpty() ? Flux.empty() : Flux.just(held.toString());
    }
}
