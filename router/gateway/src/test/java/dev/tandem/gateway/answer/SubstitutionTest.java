// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;

class SubstitutionTest {
    private static final String INNER = "___prefill_addr_10.0.0.1:21001___decode_addr_10.0.0.2:22001_0123abcd";
    private static final String SHOWN = "req-1";
    private static final String TEXT =
            "data: {\"id\":\"cmpl-" + INNER + "\",\"text\":\"__\u00e9___prefill_addr_10\"}\n\n"
                    + "data: {\"id\":\"cmpl-" + INNER + "\"}\n\ndata: [DONE]\n\n";

    private final List<ByteBuf> pieces = new ArrayList<>();

    private List<ByteBuf> in(String from, String to, String... texts) {
        for (String text : texts) {
            pieces.add(Unpooled.wrappedBuffer(text.getBytes(UTF_8)));
        }
        return run(Substitution.ofText(from, to), Flux.fromIterable(pieces));
    }

    private static List<ByteBuf> run(Substitution substitution, Flux<ByteBuf> from) {
        List<ByteBuf> out = new ArrayList<>();
        substitution.in(from).doOnNext(out::add).onErrorComplete().blockLast();
        return out;
    }

    /** Reads and gives back what came out; by then every piece must have been given back, too. */
    private String text(List<ByteBuf> out) {
        ByteBuf all = Unpooled.wrappedBuffer(out.toArray(ByteBuf[]::new));
        String text = all.toString(UTF_8);
        all.release();
        assertThat(pieces).allSatisfy(piece -> assertThat(piece.refCnt()).isZero());
        return text;
    }

    @Test
    void findsTheTextWhereverThePiecesAreCut() {
        String wanted = TEXT.replace(INNER, SHOWN);
        byte[] bytes = TEXT.getBytes(UTF_8);
        for (int first = 0; first <= bytes.length; first++) {
            for (int second = first; second <= Math.min(bytes.length, first + INNER.length() + 2); second++) {
                Flux<ByteBuf> cut = Flux.just(
                        Unpooled.copiedBuffer(bytes, 0, first),
                        Unpooled.copiedBuffer(bytes, first, second - first),
                        Unpooled.copiedBuffer(bytes, second, bytes.length - second));
                List<ByteBuf> out = run(Substitution.ofText(INNER, SHOWN), cut);
                assertThat(text(out)).as("cut at %d and %d", first, second).isEqualTo(wanted);
            }
        }
    }

    @Test
    void findsItByteByByte() {
        assertThat(text(in(INNER, SHOWN, TEXT.replace("\u00e9", "").split(""))))
                .isEqualTo(TEXT.replace("\u00e9", "").replace(INNER, SHOWN));
    }

    @ParameterizedTest
    @ValueSource(strings = {"aab", "abab", "aaaa", "abcabd", "a"})
    void findsTextsThatBeginLikeThemselves(String needle) {
        SplittableRandom random = new SplittableRandom(17);
        for (int round = 0; round < 500; round++) {
            StringBuilder text = new StringBuilder();
            List<String> cut = new ArrayList<>();
            for (int i = random.nextInt(1, 8); i > 0; i--) {
                StringBuilder piece = new StringBuilder();
                random.ints(random.nextInt(1, 6), 0, 4).forEach(letter -> piece.append("aabc".charAt(letter)));
                cut.add(piece.toString());
                text.append(piece);
            }
            pieces.clear();
            assertThat(text(in(needle, "X", cut.toArray(String[]::new))))
                    .as("seed 17, round %d: %s", round, cut)
                    .isEqualTo(text.toString().replace(needle, "X"));
        }
    }

    @Test
    void whatNamesNothingIsTheEnginesOwnBuffer() {
        List<ByteBuf> out = in(INNER, SHOWN, "data: one\n\n", "data: two\n\n");

        assertThat(out).hasSize(2);
        for (int i = 0; i < out.size(); i++) {
            assertThat(out.get(i)).isSameAs(pieces.get(i));
        }
        out.forEach(ByteBuf::release);
    }

    @Test
    void onlyWhatMayBeginTheTextWaitsForMore() {
        List<ByteBuf> out = in(INNER, SHOWN, "a ___pre", "fix", "b_");

        assertThat(out).extracting(piece -> piece.toString(UTF_8)).containsExactly("a ", "___prefix", "b", "_");
        out.forEach(ByteBuf::release);
    }

    @Test
    void aBrokenAnswerEndsBeforeTheText() {
        Flux<ByteBuf> broken = Flux.just(Unpooled.copiedBuffer("a" + INNER.substring(0, 30), UTF_8))
                .concatWith(Flux.error(new IllegalStateException("broken")));

        assertThat(text(run(Substitution.ofText(INNER, SHOWN), broken))).isEqualTo("a");
    }

    @Test
    void theNumberBehindATextIsReplacedWhereverThePiecesAreCut() {
        String text = "{\"a\":\"\\\"cached\\\":7\",\"cached\":1536,\"b\":12,\"cached\":null,\"cached\":0}";
        byte[] bytes = text.getBytes(UTF_8);
        for (int first = 0; first <= bytes.length; first++) {
            for (int second = first; second <= bytes.length; second++) {
                Flux<ByteBuf> cut = Flux.just(
                        Unpooled.copiedBuffer(bytes, 0, first),
                        Unpooled.copiedBuffer(bytes, first, second - first),
                        Unpooled.copiedBuffer(bytes, second, bytes.length - second));
                assertThat(text(run(Substitution.ofNumber("\"cached\":", () -> 64), cut)))
                        .as("cut at %d and %d", first, second)
                        .isEqualTo(text.replace("1536", "64").replace(":0}", ":64}"));
            }
        }
    }

    @Test
    void aNumberThatNobodyKnowsBetterStays() {
        pieces.add(Unpooled.copiedBuffer("{\"cached\":1536}", UTF_8));
        List<ByteBuf> out = run(Substitution.ofNumber("\"cached\":", () -> -1), Flux.fromIterable(pieces));

        assertThat(out).singleElement().isSameAs(pieces.getFirst());
        assertThat(text(out)).isEqualTo("{\"cached\":1536}");
    }

    @Test
    void aWholeAnswerIsChangedAtOnce() {
        assertThat(text(List.of(Substitution.ofNumber("\"n\":", () -> 12)
                        .in(Unpooled.copiedBuffer("{\"n\":5,\"n\":6}\"n", UTF_8)))))
                .isEqualTo("{\"n\":12,\"n\":12}\"n");
    }
}
