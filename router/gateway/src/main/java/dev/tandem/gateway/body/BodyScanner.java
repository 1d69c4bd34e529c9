// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.prefix.Fingerprint;
import dev.tandem.core.prefix.Fingerprinter;
import dev.tandem.gateway.body.ScannedBody.Wanted;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufInputStream;
import java.io.InputStream;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads a JSON body once, without building a tree: checks it, notes where its top-level fields lie, and picks up the
 * few values that routing needs. Thread-safe.
 *
 * <p>The prefix of a prompt is taken from the raw bytes of the fields that engines render, in the order in which they
 * render them (tools, system text, conversation or prompt). Two requests of one client that share a prefix share its
 * bytes; decoding the text first would cost as much as the whole scan and add nothing but requests that spell one text
 * in two ways.
 */
public final class BodyScanner {
    /** Fields that make up a prompt, in the order in which chat templates render them. */
    private static final List<String> PROMPT_FIELDS = List.of(
            "tools", "system", "instructions", "messages", "prompt", "input", "query", "documents", "text_1", "text_2");

    private static final int BYTES_PER_TOKEN = 4;
    private static final int SCRATCH_BYTES = 8192;
    private static final ThreadLocal<byte[]> SCRATCH = ThreadLocal.withInitial(() -> new byte[SCRATCH_BYTES]);

    private final JsonFactory json;
    private final Fingerprinter fingerprinter;
    private final BodyLimits limits;

    /** Makes a scanner with these limits. */
    public BodyScanner(Fingerprinter fingerprinter, BodyLimits limits) {
        this.fingerprinter = fingerprinter;
        this.limits = limits;
        this.json = JsonFactory.builder()
                .streamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(limits.maxDepth())
                        .maxTokenCount(limits.maxValues())
                        .maxStringLength(Integer.MAX_VALUE)
                        .build())
                .disable(StreamReadFeature.AUTO_CLOSE_SOURCE)
                .build();
    }

    /**
     * Scans a body and takes it over: when this throws, the caller still owns the buffer.
     *
     * @throws FailureException {@code INVALID_JSON} or {@code INVALID_REQUEST}
     */
    public ScannedBody scan(ByteBuf buffer) {
        requireUtf8(buffer);
        Findings found = new Findings(limits, new InlineMedia(buffer));
        try (JsonParser parser = json.createParser(
                ObjectReadContext.empty(), (InputStream) new ByteBufInputStream(buffer.duplicate()))) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new FailureException(Failure.INVALID_REQUEST, "body: not a JSON object");
            }
            found.fields.open(startOffset(parser));
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                member(parser, found);
            }
            if (parser.nextToken() != null) {
                throw new FailureException(Failure.INVALID_JSON, "body: text after the JSON object");
            }
        } catch (JacksonException e) {
            throw new FailureException(Failure.INVALID_JSON, "body: " + describe(e), e);
        }
        return found.toBody(buffer, fingerprint(buffer, found), promptBytes(found) / BYTES_PER_TOKEN);
    }

    private static void member(JsonParser parser, Findings found) {
        String name = parser.currentName();
        int keyStart = startOffset(parser);
        JsonToken value = parser.nextToken();
        int valueStart = startOffset(parser);
        found.note(name, value, parser);
        if (value == JsonToken.START_ARRAY && name.equals("prompt")) {
            found.notePrompts(parser);
        } else if (value == JsonToken.START_ARRAY && PROMPT_FIELDS.contains(name)) {
            found.noteElements(name, parser);
        } else if (value.isStructStart()) {
            found.noteMembers(name, parser);
        } else {
            parser.finishToken();
        }
        int valueEnd = (int) parser.currentLocation().getByteOffset();
        found.limits.requireBytes(name, valueEnd - valueStart);
        found.fields.add(name, keyStart, valueStart, valueEnd);
    }

    private static int startOffset(JsonParser parser) {
        return (int) parser.currentTokenLocation().getByteOffset();
    }

    /** Refuses what Jackson would accept as UTF-16 or UTF-32, or not look at, and engines read differently. */
    private static void requireUtf8(ByteBuf buffer) {
        int start = buffer.readerIndex();
        for (int i = 0; i < Math.min(4, buffer.readableBytes()); i++) {
            int b = buffer.getUnsignedByte(start + i);
            // Byte order marks begin with 0xEF or more; further on, such a byte begins a character of a name.
            if (b == 0 || (i == 0 && b >= 0xEF)) {
                throw new FailureException(Failure.INVALID_JSON, "body: not UTF-8 text that begins with an object");
            }
        }
        if (!Utf8.is(buffer, SCRATCH.get())) {
            throw new FailureException(Failure.INVALID_JSON, "body: not UTF-8");
        }
    }

    private static String describe(JacksonException e) {
        var location = e.getLocation();
        String at = location == null ? "" : " at byte " + location.getByteOffset();
        return switch (e) {
            case tools.jackson.core.exc.StreamConstraintsException limit -> "nested too deep or too many values";
            default -> "not valid JSON" + at;
        };
    }

    private Fingerprint fingerprint(ByteBuf buffer, Findings found) {
        Fingerprinter.Builder chain = fingerprinter.start(found.model, "");
        byte[] scratch = SCRATCH.get();
        for (String field : PROMPT_FIELDS) {
            int index = found.fields.indexOf(field);
            if (index >= 0) {
                feed(chain, buffer, found, index, scratch);
            }
        }
        return chain.finish();
    }

    /** Feeds one field; a block ends where a message ends, so that the next message does not change its key. */
    private static void feed(Fingerprinter.Builder chain, ByteBuf buffer, Findings found, int index, byte[] scratch) {
        int from = found.fields.valueStart(index);
        int to = found.fields.valueEnd(index);
        for (int end : found.elementEnds()) {
            if (end > from && end < to) {
                feed(chain, buffer, from, end, scratch);
                chain.cut();
                from = end;
            }
        }
        feed(chain, buffer, from, to, scratch);
    }

    private static void feed(Fingerprinter.Builder chain, ByteBuf buffer, int from, int to, byte[] scratch) {
        int base = buffer.readerIndex();
        for (int at = from; at < to; at += scratch.length) {
            int length = Math.min(scratch.length, to - at);
            buffer.getBytes(base + at, scratch, 0, length);
            chain.update(scratch, 0, length);
        }
    }

    private static int promptBytes(Findings found) {
        TopLevelFields fields = found.fields;
        int bytes = -found.media.bytes();
        for (String field : PROMPT_FIELDS) {
            int index = fields.indexOf(field);
            if (index >= 0) {
                bytes += fields.valueEnd(index) - fields.valueStart(index);
            }
        }
        return bytes;
    }

    /** What one pass has found. */
    private static final class Findings {
        private final BodyLimits limits;
        private final InlineMedia media;
        private final TopLevelFields fields = new TopLevelFields();
        private final Set<String> names = new HashSet<>();
        private @Nullable String model;
        private boolean streaming;
        private boolean whole;
        private boolean echo;
        private boolean logprobs;
        private int promptLogprobs = Wanted.NONE;
        private int[] elementEnds = new int[8];
        private int elements;

        private Findings(BodyLimits limits, InlineMedia media) {
            this.limits = limits;
            this.media = media;
        }

        /** Looks at a member whose value has just begun. */
        private void note(String name, JsonToken value, JsonParser parser) {
            if (!names.add(name)) {
                throw new FailureException(Failure.INVALID_JSON, "body: a field appears twice");
            }
            switch (name) {
                case "model" -> model = text(value, parser);
                case "stream" -> streaming = value == JsonToken.VALUE_TRUE;
                case "use_beam_search" -> whole |= isSet(value);
                case "echo" -> echo = isSet(value);
                case "logprobs" -> logprobs = value != JsonToken.VALUE_NULL;
                case "n", "best_of" -> noteChoices(name, value, parser);
                case "prompt_logprobs" -> notePromptLogprobs(value, parser);
                default -> {
                    // passes through unread
                }
            }
        }

        private void noteChoices(String name, JsonToken value, JsonParser parser) {
            limits.requireChoices(name, value, parser);
            whole |= value != JsonToken.VALUE_NULL && !isOne(value, parser);
        }

        /** What is not plainly a small number is left to one engine; -1 stands for the whole vocabulary. */
        private void notePromptLogprobs(JsonToken value, JsonParser parser) {
            if (value == JsonToken.VALUE_NULL) {
                return;
            }
            boolean small =
                    value == JsonToken.VALUE_NUMBER_INT && parser.getString().matches("\\d{1,9}");
            promptLogprobs = small ? parser.getIntValue() : Wanted.NONE;
            whole |= !small;
        }

        /** Reads a prompt that is an array to its end: token ids are one prompt, anything else is a list of prompts. */
        private void notePrompts(JsonParser parser) {
            JsonToken element = parser.nextToken();
            boolean many = element != JsonToken.VALUE_NUMBER_INT;
            whole |= many;
            int prompts = 0;
            while (element != JsonToken.END_ARRAY) {
                limits.requireMembers("prompt", many ? ++prompts : 0);
                parser.skipChildren();
                element = parser.nextToken();
            }
        }

        /** Notes where the elements of an array end: messages of a conversation, tools. */
        private void noteElements(String name, JsonParser parser) {
            int before = elements;
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                limits.requireMembers(name, elements - before + 1);
                media.skip(parser);
                parser.finishToken();
                if (elements == elementEnds.length) {
                    elementEnds = Arrays.copyOf(elementEnds, 2 * elements);
                }
                elementEnds[elements++] = (int) parser.currentLocation().getByteOffset();
            }
        }

        /** Reads any other array or object to its end. */
        private void noteMembers(String name, JsonParser parser) {
            if (!limits.counts(name)) {
                parser.skipChildren();
                return;
            }
            int members = 0;
            JsonToken member = parser.nextToken();
            while (!member.isStructEnd()) {
                limits.requireMembers(name, ++members);
                if (member == JsonToken.PROPERTY_NAME) {
                    parser.nextToken();
                }
                parser.skipChildren();
                member = parser.nextToken();
            }
        }

        private int[] elementEnds() {
            return Arrays.copyOf(elementEnds, elements);
        }

        private static boolean isSet(JsonToken value) {
            return value != JsonToken.VALUE_FALSE && value != JsonToken.VALUE_NULL;
        }

        /** Engines also take {@code 2.0} and {@code "2"} for a number; what is not plainly 1 is more. */
        private static boolean isOne(JsonToken value, JsonParser parser) {
            return value == JsonToken.VALUE_NUMBER_INT && parser.getString().equals("1");
        }

        private static @Nullable String text(JsonToken value, JsonParser parser) {
            if (value == JsonToken.VALUE_NULL) {
                return null;
            }
            if (value != JsonToken.VALUE_STRING) {
                throw new FailureException(Failure.INVALID_REQUEST, "model: not a string");
            }
            return parser.getString();
        }

        private ScannedBody toBody(ByteBuf buffer, Fingerprint fingerprint, int promptTokens) {
            Wanted wanted = new Wanted(!whole, echo, logprobs, promptLogprobs);
            return new ScannedBody(
                    new RequestBody.Json(buffer, fields), model, streaming, wanted, promptTokens, fingerprint);
        }
    }
}
