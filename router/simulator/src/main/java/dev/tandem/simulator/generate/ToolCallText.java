// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.generate;

import dev.tandem.simulator.engine.Finish;
import dev.tandem.simulator.wire.Json;
import java.util.ArrayList;
import java.util.List;

/**
 * Finds a forced tool call in the text of an answer, piece by piece: what stands around the arguments is not sent.
 * Confined to one answer.
 */
final class ToolCallText {
    private final ForcedAnswer forced;
    private final String prefix;
    private final StringBuilder text = new StringBuilder();
    private int sent;

    ToolCallText(ForcedAnswer forced) {
        this.forced = forced;
        this.prefix = forced.callPrefix();
    }

    ForcedAnswer forced() {
        return forced;
    }

    /** Returns the arguments in a complete answer. */
    String arguments(String whole) {
        return whole.substring(prefix.length(), whole.length() - ForcedAnswer.CALL_CLOSE.length());
    }

    /** Returns the chat deltas that one more piece causes; the last piece always causes one. */
    List<String> deltas(Piece piece, String id) {
        List<String> deltas = new ArrayList<>(2);
        text.append(piece.text());
        if (sent == 0 && text.length() >= prefix.length()) {
            sent = prefix.length();
            deltas.add("{\"content\":null,\"tool_calls\":[{\"id\":\"" + id
                    + "\",\"type\":\"function\",\"index\":0,\"function\":{\"name\":"
                    + Json.quote(new StringBuilder(), forced.tool() == null ? "" : forced.tool()) + "}}]}");
        }
        int end = piece.finish() == Finish.LENGTH ? text.length() : text.length() - ForcedAnswer.CALL_CLOSE.length();
        if (sent > 0 && end > sent) {
            deltas.add("{\"content\":null,\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"
                    + Json.quote(new StringBuilder(), text.substring(sent, end)) + "}}]}");
            sent = end;
        }
        if (piece.finish() == Finish.STOP || (piece.finish() != null && deltas.isEmpty())) {
            deltas.add("{}");
        }
        return deltas;
    }
}
