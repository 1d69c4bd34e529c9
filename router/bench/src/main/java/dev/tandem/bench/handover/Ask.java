// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import dev.tandem.simulator.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A completion of a prompt that no other one begins with. Immutable.
 *
 * @param number What tells it from others; its prompt begins with it, so that both engines' journals can be searched.
 * @param pool Pool that is asked.
 */
record Ask(int number, String pool) {
    /** Tokens of the answer: the first one, and one that decode makes in every protocol. */
    static final int ANSWER_TOKENS = 2;

    private static final String PATH = "/v1/completions";
    private static final Pattern NUMBER = Pattern.compile("ask-(\\d{7})-");
    private static final int NUMBER_TOKENS = 16;
    private static final String WORDS = " the quick brown fox jumps over the lazy dog and runs away".repeat(40);

    /** Tokens of the prompt. */
    static int promptTokens() {
        return Tokenizer.TOY.encode(new Ask(0, "").prompt()).length;
    }

    /** Bytes of the prompt. */
    static int promptBytes() {
        return new Ask(0, "").prompt().length();
    }

    /** Returns the number of the ask from which the body of a leg comes; -1 for another body. */
    static int numberIn(String body) {
        Matcher matcher = NUMBER.matcher(body.contains("\"prompt\":[") ? promptOfTokens(body) : body);
        return matcher.find() ? Integer.parseInt(matcher.group(1)) : -1;
    }

    /** Returns the HTTP request of the whole completion. */
    byte[] request() {
        return request(body());
    }

    /** Returns the HTTP request around a body. */
    static byte[] request(ObjectNode body) {
        byte[] json = JsonMapper.shared().writeValueAsBytes(body);
        byte[] head = ("POST " + PATH + " HTTP/1.1\r\nHost: bench.test\r\nContent-Type: application/json\r\n"
                        + "Accept: */*\r\nUser-Agent: tandem-bench\r\nContent-Length: " + json.length + "\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII);
        byte[] request = new byte[head.length + json.length];
        System.arraycopy(head, 0, request, 0, head.length);
        System.arraycopy(json, 0, request, head.length, json.length);
        return request;
    }

    /** Returns a streamed completion; with notices a stop text keeps the first token with the decode engine. */
    ObjectNode body() {
        ObjectNode body = JsonMapper.shared()
                .createObjectNode()
                .put("model", pool)
                .put("max_tokens", ANSWER_TOKENS)
                .put("temperature", 0)
                .put("ignore_eos", true)
                .put("stream", true)
                .put("prompt", prompt());
        if (pool.equals(Pool.NOTIFIED)) {
            body.putArray("stop").add("###");
        }
        return body;
    }

    private String prompt() {
        String digits = Integer.toString(number);
        return "ask-" + "0".repeat(7 - digits.length()) + digits + "-" + WORDS;
    }

    private static String promptOfTokens(String body) {
        JsonNode prompt = JsonMapper.shared().readTree(body).path("prompt");
        int[] tokens = new int[Math.min(NUMBER_TOKENS, prompt.size())];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = ((ArrayNode) prompt).get(i).asInt();
        }
        return Tokenizer.TOY.decode(tokens);
    }
}
