// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

/** Keeps ids of tokens out of answers to clients that have not asked for them. Stateless. */
public final class TokenIdFields {
    /** Inside a text of the answer its quote would be escaped. */
    private static final String FIELD = "token_ids\":";

    private TokenIdFields() {}

    /** Returns JSON, each byte a character, with null in place of lists of ids. */
    public static String hidden(String json) {
        StringBuilder shown = new StringBuilder(json.length());
        int copied = 0;
        for (int at = json.indexOf(FIELD); at >= 0; at = json.indexOf(FIELD, Math.max(at + 1, copied))) {
            int value = at + FIELD.length();
            int end = isField(json, at) ? endOfList(json, value) : 0;
            if (end > 0) {
                shown.append(json, copied, value).append("null");
                copied = end;
            }
        }
        return shown.append(json, copied, json.length()).toString();
    }

    private static boolean isField(String json, int at) {
        return json.startsWith("\"", at - 1) || json.startsWith("\"prompt_", at - "\"prompt_".length());
    }

    /** Returns where a list of ids ends that begins there; 0 when none does. */
    private static int endOfList(String json, int value) {
        int list = json.startsWith(" ", value) ? value + 1 : value;
        return json.startsWith("[", list) ? json.indexOf(']', list) + 1 : 0;
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
