// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import dev.tandem.core.request.ApiKind;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Watches an answer pass by without touching it: counts its bytes and keeps its last ones, in which the engine says how
 * the answer ended and what it used. Confined to one request.
 */
public final class AnswerTap {
    /** Holds a usage object and the events behind it many times over. */
    private static final int TAIL_BYTES = 4096;

    private static final String DONE = "data: [DONE]";
    private static final byte[] LAST_EVENT = (DONE + "\n\n").getBytes(StandardCharsets.US_ASCII);

    private final byte[] tail = new byte[TAIL_BYTES];
    private long seen;

    /** Sees a piece of the answer; reads from it, keeps no reference. */
    public void accept(ByteBuf piece) {
        int length = piece.readableBytes();
        int kept = Math.min(length, TAIL_BYTES);
        int from = piece.readerIndex() + length - kept;
        int at = (int) ((seen + length - kept) % TAIL_BYTES);
        int first = Math.min(kept, TAIL_BYTES - at);
        piece.getBytes(from, tail, at, first);
        piece.getBytes(from + first, tail, 0, kept - first);
        seen += length;
    }

    /** Returns the bytes seen so far. */
    long bytes() {
        return seen;
    }

    /** Returns what the engine says of the tokens it used, as far as it has said it. */
    public UsageReport usage() {
        return UsageReport.last(tailText());
    }

    /** Whether an answer that has been seen whole may hold a hand-over object; engines write it behind the text. */
    boolean mayNameKv() {
        String text = tailText();
        return !text.contains("\"kv_transfer_params\":null")
                && (seen > TAIL_BYTES || text.contains("\"kv_transfer_params\":"));
    }

    /** Whether a stream has said that it is complete. */
    boolean complete(ApiKind api) {
        String text = tailText();
        return endMarkers(api).stream().anyMatch(marker -> beginsLine(marker, text)) && !failed(api, text);
    }

    /** A model may write of a marker, but no line of its own. */
    private boolean beginsLine(String marker, String text) {
        return text.contains("\n" + marker) || (seen <= TAIL_BYTES && text.startsWith(marker));
    }

    /** As {@link #complete} for completions and chat, at the price of a byte, as long as nothing more has come. */
    boolean endsWithDone() {
        long at = seen - LAST_EVENT.length;
        int i = LAST_EVENT.length - 1;
        while (at >= 0 && i >= 0 && tail[(int) ((at + i) % TAIL_BYTES)] == LAST_EVENT[i]) {
            i--;
        }
        return i < 0;
    }

    /** Whether a stream has stopped inside an event. */
    boolean insideEvent() {
        String text = tailText();
        return seen > 0 && !text.endsWith("\n\n") && !text.endsWith("\r\n\r\n");
    }

    /** Whether the engine itself has reported an error inside the stream. */
    boolean failedByEngine(ApiKind api) {
        return failed(api, tailText());
    }

    private static boolean failed(ApiKind api, String text) {
        return errorMarkers(api).stream().anyMatch(text::contains);
    }

    private static List<String> errorMarkers(ApiKind api) {
        return switch (api) {
            case MESSAGES -> List.of("event: error\n");
            case RESPONSES -> List.of("event: response.failed\n", "event: error\n");
            case COMPLETIONS, CHAT, EMBEDDINGS, RERANK, SCORE, TRANSCRIPTIONS, TOKENIZE, DETOKENIZE ->
                List.of("data: {\"error\"");
        };
    }

    /** Source: vLLM 0.32.0 streams, recorded 2026-11-21. */
    private static List<String> endMarkers(ApiKind api) {
        return switch (api) {
            case MESSAGES -> List.of("event: message_stop");
            case RESPONSES -> List.of("event: response.completed", "event: response.incomplete");
            case COMPLETIONS, CHAT, EMBEDDINGS, RERANK, SCORE, TRANSCRIPTIONS, TOKENIZE, DETOKENIZE -> List.of(DONE);
        };
    }

    /** Returns the last bytes, as single characters. */
    String tailText() {
        int kept = (int) Math.min(seen, TAIL_BYTES);
        int end = (int) (seen % TAIL_BYTES);
        if (kept < TAIL_BYTES || end == 0) {
            return new String(tail, 0, kept, StandardCharsets.ISO_8859_1);
        }
        return new String(tail, end, TAIL_BYTES - end, StandardCharsets.ISO_8859_1)
                + new String(tail, 0, end, StandardCharsets.ISO_8859_1);
    }
}
