// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.regex.Pattern;

/** Keeps ids of tokens out of answers to clients that have not asked for them. Stateless. */
public final class TokenIdFields {
    /** Inside a text of the answer its quotes would be escaped. */
    private static final Pattern LISTS = Pattern.compile("\"(prompt_)?token_ids\": ?\\[[^]]*]");

    private TokenIdFields() {}

    /** Returns JSON, each byte a character, with null in place of lists of ids. */
    public static String hidden(String json) {
        return LISTS.matcher(json).replaceAll("\"$1token_ids\":null");
    }

    /** Takes an answer over and returns it with null in place of lists of ids. */
    public static ByteBuf hide(ByteBuf answer) {
        try {
            return Unpooled.copiedBuffer(hidden(answer.toString(WholeEvents.BYTES)), WholeEvents.BYTES);
        } finally {
            answer.release();
        }
    }
}
