// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/**
 * Changes one thing in an answer, piece by piece, wherever the pieces are cut: a text, or the number behind a text. All
 * other bytes stay where they are. Confined to one answer.
 *
 * <p>Knuth, Morris and Pratt's search: what a piece ends with is held back only as far as it begins the text, and since
 * it is the text's own beginning, its length is all that has to be remembered. Where nothing is under way, Horspool's
 * steps skip what cannot be part of the text.
 */
public final class Substitution {
    private static final byte[] NOTHING = {};

    private final byte[] text;
    private final int[] border;
    private final int[] step;
    private final byte @Nullable [] inItsPlace;
    private final IntSupplier number;

    /** Bytes at the end of the pieces before that begin the text. */
    private int held;

    private Behind behind = Behind.OTHER;

    /** What the last byte was. */
    private enum Behind {
        /** Nothing to do with the number. */
        OTHER,
        /** The last one of the text before the number. */
        TEXT,
        /** A digit of the number. */
        NUMBER
    }

    private Substitution(String text, byte @Nullable [] inItsPlace, IntSupplier number) {
        this.text = text.getBytes(StandardCharsets.UTF_8);
        this.border = borders(this.text);
        this.step = steps(this.text);
        this.inItsPlace = inItsPlace;
        this.number = number;
    }

    /** Puts one text in the place of another. */
    public static Substitution ofText(String from, String to) {
        return ofText(from, to.getBytes(StandardCharsets.UTF_8));
    }

    /** Puts one text in the place of another, which is UTF-8, is not copied and must not be changed. */
    static Substitution ofText(String from, byte[] to) {
        return new Substitution(from, to, () -> -1);
    }

    /**
     * Puts another number behind a text, where there is one.
     *
     * @param text as it stands in the answer, up to the first digit
     * @param number asked when the number has come; below 0 for what the answer itself says
     */
    public static Substitution ofNumber(String text, IntSupplier number) {
        return new Substitution(text, null, number);
    }

    /** Returns the changed pieces. What a broken answer had begun of the text is lost. */
    Flux<ByteBuf> in(Flux<ByteBuf> pieces) {
        return pieces.<ByteBuf>handle((piece, sink) -> {
                    ByteBuf next = next(piece);
                    if (next.isReadable()) {
                        sink.next(next);
                    } else {
                        next.release();
                    }
                })
                .concatWith(Flux.defer(() -> held == 0 ? Flux.empty() : Flux.just(begun(0, held))));
    }

    /** Takes a whole answer over and returns it changed. */
    ByteBuf in(ByteBuf whole) {
        ByteBuf all = next(whole);
        return held == 0 ? all : Unpooled.wrappedBuffer(all, begun(0, held));
    }

    /** Takes a piece over. */
    private ByteBuf next(ByteBuf piece) {
        int length = piece.readableBytes();
        int start = piece.readerIndex();
        Output out = new Output(piece, held);
        for (int i = skipped(piece, 0); i < length; i = skipped(piece, i + 1)) {
            byte next = piece.getByte(start + i);
            if (behind != Behind.OTHER) {
                digit(next, i, out);
            }
            held = advanced(next);
            if (held == text.length) {
                found(i, out);
            }
        }
        return out.until(length - held);
    }

    /** Returns the next offset at which a byte has to be looked at. */
    private int skipped(ByteBuf piece, int from) {
        int at = from;
        int end = piece.readableBytes() - text.length;
        while (held == 0 && behind == Behind.OTHER && at <= end) {
            int free = step[piece.getByte(piece.readerIndex() + at + text.length - 1) & 0xFF];
            if (free == 0) {
                return at;
            }
            at += free;
        }
        return at;
    }

    private void found(int last, Output out) {
        held = 0;
        if (inItsPlace == null) {
            behind = Behind.TEXT;
        } else {
            out.replace(last + 1 - text.length, last + 1, inItsPlace);
        }
    }

    /** Looks at the byte behind the text or behind a digit. */
    private void digit(byte next, int at, Output out) {
        int wanted = next >= '0' && next <= '9' ? number.getAsInt() : -1;
        if (wanted < 0) {
            behind = Behind.OTHER;
            return;
        }
        boolean first = behind == Behind.TEXT;
        out.replace(at, at + 1, first ? Integer.toString(wanted).getBytes(StandardCharsets.US_ASCII) : NOTHING);
        behind = Behind.NUMBER;
    }

    private int advanced(byte next) {
        int length = held;
        while (length > 0 && text[length] != next) {
            length = border[length - 1];
        }
        return text[length] == next ? length + 1 : length;
    }

    /** Returns, for each beginning of the text, the length of the longest shorter one with which it ends. */
    private static int[] borders(byte[] text) {
        int[] border = new int[text.length];
        for (int i = 1; i < text.length; i++) {
            int length = border[i - 1];
            while (length > 0 && text[length] != text[i]) {
                length = border[length - 1];
            }
            border[i] = text[length] == text[i] ? length + 1 : 0;
        }
        return border;
    }

    /** Returns, for each byte, how far the end of the text is from its last place in it. */
    private static int[] steps(byte[] text) {
        int[] step = new int[256];
        Arrays.fill(step, text.length);
        for (int i = 0; i < text.length; i++) {
            step[text[i] & 0xFF] = text.length - 1 - i;
        }
        return step;
    }

    private ByteBuf begun(int start, int end) {
        return Unpooled.wrappedBuffer(text, start, end - start);
    }

    /** One piece on its way; offsets below 0 stand for what was held back before it. */
    private final class Output {
        private final ByteBuf piece;
        private final int before;
        private @Nullable CompositeByteBuf out;
        private int copied;

        private Output(ByteBuf piece, int before) {
            this.piece = piece;
            this.before = before;
            this.copied = -before;
        }

        private void replace(int start, int end, byte[] with) {
            CompositeByteBuf changed = copy(start);
            changed.addComponent(true, Unpooled.wrappedBuffer(with));
            copied = end;
        }

        /** Returns everything up to there, and gives the piece back unless it stays as it is. */
        private ByteBuf until(int end) {
            if (copied == 0 && end == piece.readableBytes()) {
                return piece;
            }
            CompositeByteBuf all = copy(end);
            piece.release();
            return all;
        }

        private CompositeByteBuf copy(int end) {
            CompositeByteBuf all = out == null ? Unpooled.compositeBuffer() : out;
            out = all;
            int ofText = Math.min(end, 0);
            if (copied < ofText) {
                all.addComponent(true, begun(before + copied, before + ofText));
                copied = ofText;
            }
            if (copied < end) {
                all.addComponent(true, piece.retainedSlice(piece.readerIndex() + copied, end - copied));
                copied = end;
            }
            return all;
        }
    }
}
