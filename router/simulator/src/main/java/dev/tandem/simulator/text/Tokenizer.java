// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.text;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * A byte-level toy tokenizer: deterministic, reversible, linear in the length of the text. Immutable.
 *
 * <p>Vocabulary, by id: three specials, 256 single bytes, groups of one to three letters (plain or capitalised, with or
 * without a leading space), groups of one to three digits (with or without a leading space), whole words of
 * {@link Words}. A run of letters that is a known word becomes one token, so text that the simulated model has spoken
 * is tokenised to the tokens that it spoke. English costs about four bytes a token, other scripts one byte a token.
 */
public final class Tokenizer {
    /** The tokenizer; it has no state. */
    public static final Tokenizer TOY = new Tokenizer();

    /** End of text; the model ends an answer with it. */
    public static final int END = 0;
    /** Start of a chat turn. */
    public static final int TURN_START = 1;
    /** End of a chat turn. */
    public static final int TURN_END = 2;

    private static final List<String> SPECIALS = List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>");
    private static final int BYTES = 3;
    private static final int LETTERS = BYTES + 256;
    private static final int LETTER_GROUPS = 26 + 26 * 26 + 26 * 26 * 26;
    private static final int DIGITS = LETTERS + 4 * LETTER_GROUPS;
    private static final int DIGIT_GROUPS = 10 + 100 + 1000;
    private static final int WORDS = DIGITS + 2 * DIGIT_GROUPS;

    /** Number of ids; valid ids are below it. */
    public static final int VOCABULARY = WORDS + 2 * Words.ALL.size();

    /** Open addressing over the hash of a word's bytes; 4 slots per word keep probes short. */
    private static final int SLOTS = Integer.highestOneBit(Words.ALL.size() * 4 - 1) * 2;

    private static final byte[][] WORD_BYTES = new byte[2 * Words.ALL.size()][];
    private static final int[] WORD_SLOTS = new int[SLOTS];
    private static final int LONGEST_WORD;

    static {
        int longest = 0;
        for (int i = 0; i < Words.ALL.size(); i++) {
            byte[] word = Words.ALL.get(i).getBytes(StandardCharsets.UTF_8);
            WORD_BYTES[2 * i] = word;
            WORD_BYTES[2 * i + 1] = (" " + Words.ALL.get(i)).getBytes(StandardCharsets.UTF_8);
            longest = Math.max(longest, word.length);
            int slot = slot(word, 0, word.length);
            while (WORD_SLOTS[slot] != 0) {
                slot = (slot + 1) & (SLOTS - 1);
            }
            WORD_SLOTS[slot] = i + 1;
        }
        LONGEST_WORD = longest;
    }

    private Tokenizer() {}

    /** Returns the tokens of a text; the names of the special tokens become those tokens. */
    public int[] encode(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        Output out = new Output(bytes.length / 3 + 8);
        int at = 0;
        while (at < bytes.length) {
            at = encodeNext(bytes, at, out);
        }
        return out.toArray();
    }

    /** Returns the text of tokens; bytes that are no UTF-8 become U+FFFD. */
    public String decode(int[] tokens) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(tokens.length * 4);
        for (int token : tokens) {
            out.writeBytes(bytes(token));
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    /** Number of words that the model can say. */
    public static final int SPOKEN_WORDS = Words.ALL.size();

    /** Returns the token of a word that the model can say, with its leading space. */
    public static int spokenWord(int index) {
        return WORDS + 2 * index + 1;
    }

    /** Returns true if the id is in the vocabulary. */
    public boolean knows(long token) {
        return token >= 0 && token < VOCABULARY;
    }

    /** Returns the bytes of one token; the array must not be changed. */
    public byte[] bytes(int token) {
        if (token >= WORDS) {
            return WORD_BYTES[token - WORDS];
        }
        if (token >= DIGITS) {
            return digitBytes(token - DIGITS);
        }
        if (token >= LETTERS) {
            return letterBytes(token - LETTERS);
        }
        if (token >= BYTES) {
            return new byte[] {(byte) (token - BYTES)};
        }
        return SPECIALS.get(token).getBytes(StandardCharsets.US_ASCII);
    }

    /** Returns a token as tokenizer files write it: every byte is one printable character, a space is U+0120. */
    public String symbol(int token) {
        if (token < BYTES) {
            return SPECIALS.get(token);
        }
        StringBuilder symbol = new StringBuilder();
        for (byte b : bytes(token)) {
            symbol.append(symbolOf(b & 0xFF));
        }
        return symbol.toString();
    }

    /** GPT-2's table: printable Latin-1 stands for itself, the other bytes for U+0100 and up in their order. */
    private static char symbolOf(int b) {
        if ((b >= '!' && b <= '~') || (b >= 0xA1 && b != 0xAD)) {
            return (char) b;
        }
        int rank = b < '!' ? b : b == 0xAD ? 67 : b - 0x7F + 33;
        return (char) (0x100 + rank);
    }

    private static int encodeNext(byte[] bytes, int at, Output out) {
        int special = bytes[at] == '<' ? specialAt(bytes, at) : -1;
        if (special >= 0) {
            out.add(special);
            return at + SPECIALS.get(special).length();
        }
        boolean space = bytes[at] == ' ' && at + 1 < bytes.length;
        int start = space ? at + 1 : at;
        if (isDigit(bytes[start])) {
            return encodeDigits(bytes, start, space, out);
        }
        if (isWordByte(bytes[start])) {
            return encodeRun(bytes, start, space, out);
        }
        out.add(BYTES + (bytes[at] & 0xFF));
        return at + 1;
    }

    private static int specialAt(byte[] bytes, int at) {
        for (int i = 0; i < SPECIALS.size(); i++) {
            byte[] name = SPECIALS.get(i).getBytes(StandardCharsets.US_ASCII);
            if (at + name.length <= bytes.length && Arrays.equals(bytes, at, at + name.length, name, 0, name.length)) {
                return i;
            }
        }
        return -1;
    }

    private static int encodeDigits(byte[] bytes, int start, boolean space, Output out) {
        int value = 0;
        int end = start;
        while (end < bytes.length && end < start + 3 && isDigit(bytes[end])) {
            value = value * 10 + bytes[end++] - '0';
        }
        int base = end - start == 1 ? 0 : end - start == 2 ? 10 : 110;
        out.add(DIGITS + (space ? DIGIT_GROUPS : 0) + base + value);
        return end;
    }

    /** Encodes a whole run of letters and non-ASCII bytes at once, which keeps the cost linear. */
    private static int encodeRun(byte[] bytes, int start, boolean space, Output out) {
        int end = start;
        while (end < bytes.length && isWordByte(bytes[end])) {
            end++;
        }
        int word = end - start <= LONGEST_WORD ? wordAt(bytes, start, end) : -1;
        if (word >= 0) {
            out.add(WORDS + 2 * word + (space ? 1 : 0));
            return end;
        }
        boolean pendingSpace = space;
        if (space && bytes[start] < 0) {
            out.add(BYTES + ' ');
            pendingSpace = false;
        }
        int at = start;
        while (at < end) {
            if (bytes[at] < 0) {
                out.add(BYTES + (bytes[at++] & 0xFF));
            } else {
                at = encodeLetters(bytes, at, end, pendingSpace, out);
            }
            pendingSpace = false;
        }
        return end;
    }

    private static int encodeLetters(byte[] bytes, int at, int end, boolean space, Output out) {
        boolean capital = bytes[at] <= 'Z';
        int group = (bytes[at] | 0x20) - 'a';
        int length = 1;
        while (length < 3 && at + length < end && bytes[at + length] >= 'a') {
            group = group * 26 + bytes[at + length++] - 'a';
        }
        int base = length == 1 ? 0 : length == 2 ? 26 : 26 + 26 * 26;
        int variant = (space ? 1 : 0) + (capital ? 2 : 0);
        out.add(LETTERS + variant * LETTER_GROUPS + base + group);
        return at + length;
    }

    private static int wordAt(byte[] bytes, int start, int end) {
        int slot = slot(bytes, start, end);
        while (WORD_SLOTS[slot] != 0) {
            byte[] word = WORD_BYTES[2 * (WORD_SLOTS[slot] - 1)];
            if (Arrays.equals(bytes, start, end, word, 0, word.length)) {
                return WORD_SLOTS[slot] - 1;
            }
            slot = (slot + 1) & (SLOTS - 1);
        }
        return -1;
    }

    private static int slot(byte[] bytes, int start, int end) {
        int hash = 0;
        for (int i = start; i < end; i++) {
            hash = hash * 31 + bytes[i];
        }
        return (hash ^ (hash >>> 15)) & (SLOTS - 1);
    }

    private static boolean isWordByte(byte b) {
        return b < 0 || (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z');
    }

    private static boolean isDigit(byte b) {
        return b >= '0' && b <= '9';
    }

    private static byte[] digitBytes(int index) {
        int value = index % DIGIT_GROUPS;
        int length = value < 10 ? 1 : value < 110 ? 2 : 3;
        int digits = value - (length == 1 ? 0 : length == 2 ? 10 : 110);
        String format = (index >= DIGIT_GROUPS ? " " : "")
                + "0".repeat(length - Integer.toString(digits).length());
        return (format + digits).getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] letterBytes(int index) {
        int variant = index / LETTER_GROUPS;
        int group = index % LETTER_GROUPS;
        int length = group < 26 ? 1 : group < 26 + 26 * 26 ? 2 : 3;
        int rest = group - (length == 1 ? 0 : length == 2 ? 26 : 26 + 26 * 26);
        int space = variant & 1;
        byte[] bytes = new byte[space + length];
        for (int i = bytes.length - 1; i >= space; i--) {
            bytes[i] = (byte) ('a' + rest % 26);
            rest /= 26;
        }
        if (space == 1) {
            bytes[0] = ' ';
        }
        if (variant >= 2) {
            bytes[space] = (byte) (bytes[space] - 0x20);
        }
        return bytes;
    }

    /** A growing array of ints. */
    private static final class Output {
        private int[] tokens;
        private int size;

        Output(int capacity) {
            tokens = new int[capacity];
        }

        void add(int token) {
            if (size == tokens.length) {
                tokens = Arrays.copyOf(tokens, size * 2);
            }
            tokens[size++] = token;
        }

        int[] toArray() {
            return Arrays.copyOf(tokens, size);
        }
    }
}
