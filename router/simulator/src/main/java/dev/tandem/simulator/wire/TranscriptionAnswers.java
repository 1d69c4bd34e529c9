// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.wire;

import dev.tandem.simulator.text.ContentHash;
import dev.tandem.simulator.text.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** Answers of the transcription API: the text is a function of the bytes of the audio. Confined to one request. */
public final class TranscriptionAnswers {
    /** One second of 16 kHz mono PCM; what the simulator takes for a second of any audio. */
    private static final int BYTES_PER_SECOND = 32_000;

    private static final int WORDS = 12;

    private final MultipartForm form;
    private final Served served;
    private final long created;
    private final byte[] audio;

    /** Checks a form. */
    public TranscriptionAnswers(MultipartForm form, Served served, long created) {
        this.form = form;
        this.served = served;
        this.created = created;
        served.check(form.text("model"));
        byte[] file = form.bytes("file");
        if (file == null) {
            throw Rejection.invalid("missing", "body.file", "Field required", "'None'");
        }
        this.audio = file;
    }

    /** Returns true if the client wants events. */
    public boolean streaming() {
        return "true".equalsIgnoreCase(form.text("stream"));
    }

    /** Returns the type of the whole answer. */
    public String contentType() {
        return "text".equals(form.text("response_format")) ? "text/plain; charset=utf-8" : "application/json";
    }

    /** Returns the whole answer. */
    public byte[] whole() {
        String text = String.join("", words()).strip();
        if ("text".equals(form.text("response_format"))) {
            return Json.utf8(text);
        }
        ObjectNode body = Json.object().put("text", text);
        body.putObject("usage").put("type", "duration").put("seconds", Math.max(1, audio.length / BYTES_PER_SECOND));
        return Json.bytes(body);
    }

    /** Returns the events of a streamed answer. */
    public List<byte[]> events() {
        String id = "trsc-%016x".formatted(ContentHash.of(audio));
        List<byte[]> events = new ArrayList<>();
        List<String> words = words();
        for (int i = 0; i < words.size(); i++) {
            ObjectNode chunk = Json.object()
                    .put("id", id)
                    .put("object", "transcription.chunk")
                    .put("created", created)
                    .put("model", served.name());
            ObjectNode choice = chunk.putArray("choices").addObject();
            choice.putObject("delta").put("content", words.get(i));
            choice.put("finish_reason", i == words.size() - 1 ? "stop" : null).putNull("stop_reason");
            events.add(Json.utf8("data: " + Json.text(chunk) + "\n\n"));
        }
        events.add(Json.utf8("data: [DONE]\n\n"));
        return events;
    }

    private List<String> words() {
        long content = ContentHash.of(audio);
        List<String> words = new ArrayList<>();
        for (int i = 0; i < WORDS; i++) {
            int word = (int) Long.remainderUnsigned(ContentHash.mix(content, i), Tokenizer.SPOKEN_WORDS);
            words.add(Tokenizer.TOY.decode(new int[] {Tokenizer.spokenWord(word)}));
        }
        return words;
    }
}
