// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The texts and whole numbers of one map in MessagePack form. Immutable.
 *
 * <p>Whatever else the map holds is stepped over: other types, nested values, keys that are no texts. Nothing is
 * believed about lengths: memory grows with the bytes that are there, and nesting costs none. Source: the MessagePack
 * specification, github.com/msgpack/msgpack/blob/master/spec.md, read 2026-11-21.
 */
final class MessageMap {
    /** No message of an engine has nearly as many. */
    private static final int MOST_FIELDS = 64;

    private final Map<String, String> texts = new HashMap<>();
    private final Map<String, Long> numbers = new HashMap<>();

    private MessageMap() {}

    /**
     * Reads a map. Of fields with the same name the last one counts.
     *
     * @throws MalformedMessageException if the bytes are not exactly one map, or it has too many fields
     */
    static MessageMap read(byte[] message) throws MalformedMessageException {
        Cursor cursor = new Cursor(ByteBuffer.wrap(message));
        try {
            return cursor.map();
        } catch (BufferUnderflowException e) {
            throw new MalformedMessageException("the message breaks off");
        } catch (CharacterCodingException e) {
            throw new MalformedMessageException("a text is not UTF-8");
        }
    }

    /** Returns a text, or null when there is none of this name. */
    @Nullable
    String text(String name) {
        return texts.get(name);
    }

    /** Returns a number, or {@code otherwise} when there is none of this name. */
    long number(String name, long otherwise) {
        return numbers.getOrDefault(name, otherwise);
    }

    private enum Kind {
        /** The value is the number itself. */
        NUMBER,
        /** The value is the length in bytes of the text that follows. */
        TEXT,
        /** The value is the length in bytes of something that follows. */
        OTHER,
        /** The value is how many values follow. */
        ARRAY,
        /** The value is how many pairs of values follow. */
        MAP
    }

    /** A place in the message. Confined to one call. */
    private static final class Cursor {
        private final ByteBuffer in;
        private Kind kind = Kind.OTHER;
        private long value;

        private Cursor(ByteBuffer in) {
            this.in = in;
        }

        private MessageMap map() throws MalformedMessageException, CharacterCodingException {
            head();
            if (kind != Kind.MAP || value > MOST_FIELDS) {
                throw new MalformedMessageException("the message is not a map of at most " + MOST_FIELDS + " fields");
            }
            MessageMap map = new MessageMap();
            for (long left = value; left > 0; left--) {
                field(map);
            }
            if (in.hasRemaining()) {
                throw new MalformedMessageException("something follows the map");
            }
            return map;
        }

        private void field(MessageMap map) throws MalformedMessageException, CharacterCodingException {
            head();
            String name = textOrSkip();
            head();
            if (name != null) {
                map.texts.remove(name);
                map.numbers.remove(name);
            }
            if (name != null && kind == Kind.NUMBER) {
                map.numbers.put(name, value);
                return;
            }
            String text = textOrSkip();
            if (name != null && text != null) {
                map.texts.put(name, text);
            }
        }

        private @Nullable String textOrSkip() throws MalformedMessageException, CharacterCodingException {
            if (kind != Kind.TEXT) {
                skip();
                return null;
            }
            ByteBuffer bytes = in.slice(in.position(), available());
            step();
            return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
        }

        /** Steps over the value whose head has been read, without a stack for what is nested in it. */
        private void skip() throws MalformedMessageException {
            long pending = following();
            while (pending > 0) {
                head();
                pending += following() - 1;
                if (pending > in.remaining()) {
                    throw new MalformedMessageException("the message breaks off");
                }
            }
        }

        /** Returns how many values belong to the one whose head has been read; steps over its bytes. */
        private long following() throws MalformedMessageException {
            return switch (kind) {
                case NUMBER -> 0;
                case ARRAY -> value;
                case MAP -> 2 * value;
                case TEXT, OTHER -> {
                    step();
                    yield 0;
                }
            };
        }

        private void step() throws MalformedMessageException {
            in.position(in.position() + available());
        }

        private int available() throws MalformedMessageException {
            if (value > in.remaining()) {
                throw new MalformedMessageException("the message breaks off");
            }
            return (int) value;
        }

        private void head() throws MalformedMessageException {
            int first = Byte.toUnsignedInt(in.get());
            if (first < 0x80) {
                is(Kind.NUMBER, first);
            } else if (first < 0x90) {
                is(Kind.MAP, first & 0x0f);
            } else if (first < 0xa0) {
                is(Kind.ARRAY, first & 0x0f);
            } else if (first < 0xc0) {
                is(Kind.TEXT, first & 0x1f);
            } else if (first < 0xe0) {
                marked(first);
            } else {
                is(Kind.NUMBER, (byte) first);
            }
        }

        private void marked(int first) throws MalformedMessageException {
            switch (first) {
                case 0xc0, 0xc2, 0xc3 -> is(Kind.OTHER, 0); // nil, false, true
                case 0xc4, 0xc5, 0xc6 -> is(Kind.OTHER, unsigned(1 << (first - 0xc4))); // bytes
                case 0xc7, 0xc8, 0xc9 -> is(Kind.OTHER, 1 + unsigned(1 << (first - 0xc7))); // extensions
                case 0xca -> is(Kind.OTHER, Float.BYTES);
                case 0xcb -> is(Kind.OTHER, Double.BYTES);
                case 0xcc, 0xcd, 0xce -> is(Kind.NUMBER, unsigned(1 << (first - 0xcc)));
                case 0xcf -> large(in.getLong());
                case 0xd0 -> is(Kind.NUMBER, in.get());
                case 0xd1 -> is(Kind.NUMBER, in.getShort());
                case 0xd2 -> is(Kind.NUMBER, in.getInt());
                case 0xd3 -> is(Kind.NUMBER, in.getLong());
                case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8 -> is(Kind.OTHER, 1 + (1 << (first - 0xd4))); // fixed extensions
                case 0xd9, 0xda, 0xdb -> is(Kind.TEXT, unsigned(1 << (first - 0xd9)));
                case 0xdc, 0xdd -> is(Kind.ARRAY, unsigned(2 << (first - 0xdc)));
                case 0xde, 0xdf -> is(Kind.MAP, unsigned(2 << (first - 0xde)));
                default -> throw new MalformedMessageException("a byte that MessagePack does not use");
            }
        }

        /** Numbers of 2^63 and more are none that we know; they are stepped over. */
        private void large(long bits) {
            is(bits < 0 ? Kind.OTHER : Kind.NUMBER, Math.max(bits, 0));
        }

        private long unsigned(int bytes) {
            long number = 0;
            for (int i = 0; i < bytes; i++) {
                number = number << 8 | Byte.toUnsignedInt(in.get());
            }
            return number;
        }

        private void is(Kind kind, long value) {
            this.kind = kind;
            this.value = value;
        }
    }
}
