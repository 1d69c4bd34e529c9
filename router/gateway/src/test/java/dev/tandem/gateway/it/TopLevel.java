// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import java.util.LinkedHashMap;
import java.util.Map;

/** Cuts a JSON object into its members without a JSON parser, so that every value keeps its spelling. Stateless. */
final class TopLevel {
    private TopLevel() {}

    /** Returns names to values as they are spelt, in their order. */
    static Map<String, String> members(String json) {
        Map<String, String> members = new LinkedHashMap<>();
        String text = json.strip();
        if (!text.startsWith("{") || !text.endsWith("}")) {
            throw new AssertionError("not an object: " + text);
        }
        int at = 1;
        while (at < text.length() - 1) {
            int end = endOfMember(text, at);
            String member = text.substring(at, end).strip();
            int afterName = endOfString(member, 0);
            String rest = member.substring(afterName).strip();
            if (!rest.startsWith(":") || rest.length() == 1) {
                throw new AssertionError("not a member: " + member);
            }
            if (members.put(
                            member.substring(1, afterName - 1),
                            rest.substring(1).strip())
                    != null) {
                throw new AssertionError("twice: " + member);
            }
            at = end + 1;
        }
        return members;
    }

    private static int endOfMember(String text, int from) {
        int depth = 0;
        int at = from;
        while (at < text.length() - 1) {
            char c = text.charAt(at);
            if (c == '"') {
                at = endOfString(text, at);
                continue;
            }
            if (c == ',' && depth == 0) {
                return at;
            }
            depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
            at++;
        }
        return at;
    }

    /** Returns the index behind the closing quote of the string that begins at {@code from}. */
    private static int endOfString(String text, int from) {
        if (text.charAt(from) != '"') {
            throw new AssertionError("no string: " + text.substring(from));
        }
        int at = from + 1;
        while (text.charAt(at) != '"') {
            at += text.charAt(at) == '\\' ? 2 : 1;
        }
        return at + 1;
    }
}
