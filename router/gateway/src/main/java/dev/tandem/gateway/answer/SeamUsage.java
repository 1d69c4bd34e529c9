// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;
import reactor.core.publisher.Flux;
import reactor.core.publisher.SynchronousSink;

/**
 * Corrects the usage in the answer of a worker that went on where another had stopped: the tokens before the seam stand
 * in its prompt, and belong to the output. Confined to one request.
 *
 * <p>Events of a stream are held until they are whole, and pass on otherwise unchanged.
 */
final class SeamUsage {
    private static final Pattern COUNT =
            Pattern.compile("(?<name>\"(?:prompt|completion)_tokens\": ?)(?<count>\\d{1,9})");

    /** Bytes as characters: only digits between ASCII names change. */
    private static final Charset BYTES = StandardCharsets.ISO_8859_1;

    private static final int LONGEST_EVENT = 1 << 20;

    private final int tokens;
    private final StringBuilder held = new StringBuilder();

    /** Makes one for a seam behind so many generated tokens. */
    SeamUsage(int tokens) {
        this.tokens = tokens;
    }

    /** Returns a usage object, or text around one, with the numbers of the whole answer. */
    String corrected(String text) {
        return COUNT.matcher(text).replaceAll(found -> {
            int sign = found.group("name").startsWith("\"prompt") ? -1 : 1;
            return found.group("name") + (Integer.parseInt(found.group("count")) + sign * tokens);
        });
    }

    /** Returns a stream of events with corrected usage; each buffer belongs to the subscriber. */
    Flux<ByteBuf> corrected(Flux<ByteBuf> events) {
        return events.<ByteBuf>handle(this::pass).concatWith(Flux.defer(this::rest));
    }

    private void pass(ByteBuf piece, SynchronousSink<ByteBuf> out) {
        held.append(piece.toString(BYTES));
        piece.release();
        int end = endOfEvents();
        if (end > 0) {
            out.next(bytes(held.substring(0, end)));
            held.delete(0, end);
        } else if (held.length() > LONGEST_EVENT) {
            out.error(new FailureException(Failure.ENGINE_ERROR, "an event of the worker's stream is too long"));
        }
    }

    private int endOfEvents() {
        int blank = held.lastIndexOf("\n\n");
        int blankLine = held.lastIndexOf("\n\r\n");
        return blank < 0 && blankLine < 0 ? 0 : Math.max(blank + 2, blankLine + 3);
    }

    private Flux<ByteBuf> rest() {
        return held.isEmpty() ? Flux.empty() : Flux.just(bytes(held.toString()));
    }

    private ByteBuf bytes(String text) {
        return Unpooled.copiedBuffer(corrected(text), BYTES);
    }
}
