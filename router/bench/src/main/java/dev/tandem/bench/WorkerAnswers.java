// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.HashMap;
import java.util.Map;

/** Everything a fake worker sends, framed once and kept in direct memory. Confined to one event loop. */
final class WorkerAnswers {
    private static final int MAX_EVENTS = 1_000;

    /**
     * The answer to one prompt, as it was last given.
     *
     * @param bodySeen Header value inside it.
     * @param framed Head and body.
     */
    private record Json(String bodySeen, ByteBuf framed) {}

    private final Map<Integer, Json> answers = new HashMap<>();
    private final Map<Integer, ByteBuf[]> events = new HashMap<>();
    private final ByteBuf streamHead = Traffic.direct(Traffic.ascii(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n"));

    /**
     * Returns the framed content event of a stream; the caller owns one reference.
     *
     * @param ids with token ids
     */
    ByteBuf event(int prompt, int index, boolean ids) {
        ByteBuf[] framed = events.computeIfAbsent(ids ? ~prompt : prompt, key -> new ByteBuf[MAX_EVENTS]);
        ByteBuf event = framed[index];
        if (event == null) {
            event = Traffic.direct(chunk(ids ? Traffic.eventWithIds(prompt, index) : Traffic.event(prompt, index)));
            framed[index] = event;
        }
        return event.retainedDuplicate();
    }

    /** Returns the head of a streamed answer up to where further headers may follow. */
    ByteBuf streamHead(String bodySeen) {
        return Unpooled.wrappedBuffer(
                streamHead.retainedDuplicate(), Unpooled.wrappedBuffer(Traffic.ascii(seen(bodySeen) + "\r\n")));
    }

    /** Returns usage, end mark and the last chunk of a stream. */
    ByteBuf streamEnd(int prompt, int count) {
        byte[] both = Traffic.concat(chunk(Traffic.usage(prompt, count)), chunk(Traffic.done()));
        return Unpooled.wrappedBuffer(Traffic.concat(both, Traffic.ascii("0\r\n\r\n")));
    }

    /** Returns the whole answer to a request that does not stream; the caller owns one reference. */
    ByteBuf json(int prompt, String bodySeen) {
        Json prepared = answers.get(prompt);
        if (prepared == null || !prepared.bodySeen().equals(bodySeen)) {
            byte[] answer = Traffic.answer(prompt);
            prepared = new Json(bodySeen, Traffic.direct(bytes("200 OK", answer, seen(bodySeen))));
            answers.put(prompt, prepared);
        }
        return prepared.framed().retainedDuplicate();
    }

    /** Returns the answer to a GET request, or to a POST request on an unknown path. */
    ByteBuf other(String path) {
        return switch (path) {
            case "/health", "/ping", "/readyz", "/livez" -> respond("200 OK", new byte[0], "");
            case "/v1/models" ->
                respond(
                        "200 OK",
                        Traffic.ascii("{\"object\":\"list\",\"data\":[{\"id\":\"" + Traffic.MODEL
                                + "\",\"object\":\"model\",\"created\":1790000000,\"owned_by\":\"vllm\",\"root\":\""
                                + Traffic.MODEL + "\",\"parent\":null,\"max_model_len\":1048576}]}"),
                        "");
            case "/version" -> respond("200 OK", Traffic.ascii("{\"version\":\"0.32.0\"}"), "");
            default -> respond("404 Not Found", Traffic.ascii("{\"detail\":\"Not Found\"}"), "");
        };
    }

    /** Returns the answer to a request body that is not what a client sent. */
    ByteBuf refused(String why) {
        return respond("400 Bad Request", Traffic.ascii("{\"error\":{\"message\":\"" + why + "\",\"code\":400}}"), "");
    }

    private static ByteBuf respond(String status, byte[] body, String headers) {
        return Unpooled.wrappedBuffer(bytes(status, body, headers));
    }

    private static byte[] bytes(String status, byte[] body, String headers) {
        byte[] head = Traffic.ascii("HTTP/1.1 " + status + "\r\nContent-Type: application/json\r\n" + headers
                + "Content-Length: " + body.length + "\r\n\r\n");
        return Traffic.concat(head, body);
    }

    private static String seen(String bodySeen) {
        return WorkerConnection.BODY_SEEN + ": " + bodySeen + "\r\n";
    }

    private static byte[] chunk(byte[] data) {
        byte[] size = Traffic.ascii(Integer.toHexString(data.length) + "\r\n");
        return Traffic.concat(Traffic.concat(size, data), Traffic.ascii("\r\n"));
    }
}
