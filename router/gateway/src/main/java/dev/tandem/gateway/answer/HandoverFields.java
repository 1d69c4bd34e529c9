// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/** Keeps hosts, ports and block numbers of engines out of answers to clients. Stateless. */
final class HandoverFields {
    private static final String FIELD = "kv_transfer_params";
    private static final ByteBuf NEEDLE =
            Unpooled.unreleasableBuffer(Unpooled.copiedBuffer("\"" + FIELD + "\":", StandardCharsets.US_ASCII)
                    .asReadOnly());

    private HandoverFields() {}

    /**
     * Takes an answer over and returns it with null in place of a hand-over object; usually that is the answer itself.
     */
    static ByteBuf hide(ByteBuf answer) {
        if (ByteBufUtil.indexOf(NEEDLE.duplicate(), answer) < 0) {
            return answer;
        }
        try (JsonParser parser = AnswerJson.open(answer)) {
            if (AnswerJson.seek(parser, FIELD) != JsonToken.START_OBJECT) {
                return answer;
            }
            int from = (int) parser.currentTokenLocation().getByteOffset();
            parser.skipChildren();
            return without(answer, from, (int) parser.currentLocation().getByteOffset());
        } catch (JacksonException notJson) {
            return answer;
        }
    }

    private static ByteBuf without(ByteBuf answer, int from, int to) {
        int start = answer.readerIndex();
        CompositeByteBuf out = Unpooled.compositeBuffer(3);
        out.addComponent(true, answer.retainedSlice(start, from));
        out.addComponent(true, Unpooled.copiedBuffer("null", StandardCharsets.US_ASCII));
        out.addComponent(true, answer.slice(start + to, answer.readableBytes() - to));
        return out;
    }
}
