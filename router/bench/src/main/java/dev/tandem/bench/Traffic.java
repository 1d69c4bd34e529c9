// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The bytes of every request and of every answer, computed alike by the load generator and by the fake workers. No
 * state.
 *
 * <p>An answer is a function of the prompt's index and of the event's index, so that a lost, doubled, changed or
 * foreign byte shows in a plain comparison.
 */
final class Traffic {
    /** Different prompts; a proxy that routes by prefix sees this many of them. */
    static final int PROMPTS = 64;

    /** Size of one SSE content event, its blank line included. */
    static final int EVENT_BYTES = 240;

    /** Smallest request body: fields and marker. */
    static final int MIN_BODY_BYTES = 256;

    private static final int PROMPT_TOKENS = 256;

    /** The only model the fake workers serve. */
    static final String MODEL = "bench";

    private static final String[] WORDS = {
        "river", "stone", "winter", "signal", "garden", "copper", "window", "letter", "engine", "harbor", "silver",
        "meadow", "thread", "orbit", "candle", "market"
    };

    private Traffic() {}

    /** Returns a chat completion request of exactly {@code shape.bodyBytes()} bytes. */
    static byte[] requestBody(Shape shape, int prompt) {
        String start = "{\"model\":\"" + MODEL + "\",\"max_tokens\":" + Math.max(1, shape.events()) + ",\"stream\":"
                + shape.streamed() + (shape.streamed() ? ",\"stream_options\":{\"include_usage\":true}" : "")
                + ",\"messages\":[{\"role\":\"user\",\"content\":\"" + shape.marker(prompt);
        String end = "\"}]}";
        StringBuilder body = new StringBuilder(shape.bodyBytes() + 16).append(start);
        int target = shape.bodyBytes() - end.length();
        for (int i = 0; body.length() < target; i++) {
            body.append(' ').append(WORDS[(i * (prompt + 7) + prompt + i / 16) % WORDS.length]);
        }
        body.setLength(target);
        return ascii(body.append(end).toString());
    }

    /** Returns the HTTP request around a body, ready to be written. */
    static byte[] request(byte[] body) {
        byte[] head =
                ascii("POST /v1/chat/completions HTTP/1.1\r\nHost: bench.test\r\nContent-Type: application/json\r\n"
                        + "Accept: */*\r\nUser-Agent: tandem-bench\r\nContent-Length: " + body.length + "\r\n\r\n");
        return concat(head, body);
    }

    /** Returns the JSON answer to a request that does not stream. */
    static byte[] answer(int prompt) {
        return ascii("{\"id\":\"chatcmpl-bench-" + three(prompt)
                + "\",\"object\":\"chat.completion\",\"created\":1790000000,"
                + "\"model\":\"bench\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"answer "
                + three(prompt) + "\"},\"logprobs\":null,\"finish_reason\":\"stop\"}],"
                + "\"usage\":{\"prompt_tokens\":256,\"total_tokens\":258,\"completion_tokens\":2}}");
    }

    /** Returns one content event of exactly {@link #EVENT_BYTES} bytes. */
    static byte[] event(int prompt, int index) {
        String start = "data: {\"id\":\"chatcmpl-bench-" + three(prompt)
                + "\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,\"model\":\"bench\","
                + "\"choices\":[{\"index\":0,\"delta\":{\"content\":\" tok " + three(prompt) + " " + index;
        String end = "\"},\"logprobs\":null,\"finish_reason\":null,\"token_ids\":null}]"
                + (index == 0 ? ",\"prompt_token_ids\":null" : "") + "}\n\n";
        StringBuilder event = new StringBuilder(EVENT_BYTES).append(start);
        while (event.length() + end.length() < EVENT_BYTES) {
            event.append('.');
        }
        return ascii(event.append(end).toString());
    }

    /** Returns the same event as a worker sends it that was asked for token ids. */
    static byte[] eventWithIds(int prompt, int index) {
        String event = new String(event(prompt, index), StandardCharsets.US_ASCII);
        String ids = IntStream.range(0, PROMPT_TOKENS)
                .mapToObj(token -> Integer.toString(100_000 + prompt + token))
                .collect(Collectors.joining(",", "[", "]"));
        return ascii(event.replace("\"prompt_token_ids\":null", "\"prompt_token_ids\":" + ids)
                .replace("\"token_ids\":null", "\"token_ids\":[" + (100_000 + index) + "]"));
    }

    /** Returns the usage event that follows the content of a stream. */
    static byte[] usage(int prompt, int events) {
        return ascii("data: {\"id\":\"chatcmpl-bench-" + three(prompt)
                + "\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,\"model\":\"bench\",\"choices\":[],"
                + "\"usage\":{\"prompt_tokens\":256,\"total_tokens\":" + (256 + events) + ",\"completion_tokens\":"
                + events + "}}\n\n");
    }

    /** Returns the event that ends every stream. */
    static byte[] done() {
        return ascii("data: [DONE]\n\n");
    }

    /** Returns the whole body that the client must receive, without transfer framing. */
    static byte[] expected(Shape shape, int prompt) {
        if (!shape.streamed()) {
            return answer(prompt);
        }
        ByteArrayOutputStream body = new ByteArrayOutputStream(shape.events() * EVENT_BYTES + 512);
        for (int i = 0; i < shape.events(); i++) {
            body.writeBytes(event(prompt, i));
        }
        body.writeBytes(usage(prompt, shape.events()));
        body.writeBytes(done());
        return body.toByteArray();
    }

    /** Returns the bytes of a text that has ASCII characters only. */
    static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** Returns both arrays, one after the other. */
    static byte[] concat(byte[] first, byte[] second) {
        byte[] both = new byte[first.length + second.length];
        System.arraycopy(first, 0, both, 0, first.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    /** Returns the bytes in direct memory that outlives every release and goes with its last user. */
    static ByteBuf direct(byte[] bytes) {
        ByteBuffer memory = ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
        return Unpooled.unreleasableBuffer(Unpooled.wrappedBuffer(memory));
    }

    private static String three(int prompt) {
        String digits = Integer.toString(prompt);
        return "000".substring(Math.min(3, digits.length())) + digits;
    }
}
