// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.regex.Pattern;
import reactor.core.publisher.Flux;

/**
 * Corrects the usage in the answer of a worker that went on where another had stopped: the tokens before the seam stand
 * in its prompt, and belong to the output. Confined to one request.
 *
 * <p>Events of a stream are held until they are whole, and pass on otherwise unchanged.
 */
final class SeamUsage {
    private static final Pattern COUNT =
            Pattern.compile("(?<name>\"(?:prompt|completion)_tokens\": ?)(?<count>\\d{1,9})");

    private final int tokens;

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
        return WholeEvents.in(events).map(text -> Unpooled.copiedBuffer(corrected(text), WholeEvents.BYTES));
    }
}
