// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.resume;

import java.util.Arrays;
import tools.jackson.databind.JsonNode;

/** Ids of the tokens of an answer, up to a limit; beyond it they are only counted. Confined to one request. */
final class TokenIds {
    private final int most;
    private int[] ids = new int[64];
    private int count;

    TokenIds(int most) {
        this.most = most;
    }

    /** Adds a list of ids, or nothing when it is none. */
    void add(JsonNode list) {
        for (JsonNode id : list) {
            if (count == ids.length && count < most) {
                ids = Arrays.copyOf(ids, Math.min(2 * count, most));
            }
            if (count < ids.length) {
                ids[count] = id.asInt(-1);
            }
            count++;
        }
    }

    /** Returns how many there are. */
    int count() {
        return count;
    }

    /** Whether there are more than are kept. */
    boolean incomplete() {
        return count > ids.length;
    }

    /** Forgets all but the first ones. */
    void cut(int first) {
        count = first;
    }

    /** Returns the ids of a prompt, which is not empty, and these behind them, as a JSON list. */
    String behind(JsonNode prompt) {
        StringBuilder list = new StringBuilder(6 * (prompt.size() + count)).append('[');
        for (JsonNode id : prompt) {
            list.append(id.asInt(-1)).append(',');
        }
        for (int i = 0; i < count; i++) {
            list.append(ids[i]).append(',');
        }
        list.setCharAt(list.length() - 1, ']');
        return list.toString();
    }
}
