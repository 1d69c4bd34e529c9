// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Utf8Test {
    private static boolean is(ByteBuf text) {
        return Utf8.is(text, new byte[8_192]);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "a", "\u00e4", "\u20ac", "\ud83d\ude00", "\u0000", "\uffff", "\ud800\udc00", "\udbff\udfff"})
    void textIs(String text) {
        assertThat(is(Unpooled.copiedBuffer(text, StandardCharsets.UTF_8))).isTrue();
    }

    /** Half a character, bytes out of order, characters in too many bytes, surrogates, what no character has. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "80",
                "c3",
                "e282",
                "f09f98",
                "c328",
                "e28228",
                "c080",
                "c1bf",
                "e08080",
                "e09fbf",
                "f0808080",
                "f08fbfbf",
                "eda080",
                "edbfbf",
                "f4908080",
                "f5808080",
                "fe",
                "ff",
                "61ff"
            })
    void otherBytesAreNot(String hex) {
        assertThat(is(Unpooled.wrappedBuffer(HexFormat.of().parseHex(hex)))).isFalse();
    }

    @Test
    void agreesWithTheDecoderOfTheJdk() {
        SplittableRandom random = new SplittableRandom(20_261_122);
        byte[] bytes = new byte[4];
        for (int i = 0; i < 200_000; i++) {
            random.nextBytes(bytes);
            bytes[0] |= (byte) 0xC0;
            assertThat(is(Unpooled.wrappedBuffer(bytes))).isEqualTo(decodes(bytes));
        }
    }

    /** One wrong byte or one character at each place, also across the end of a piece, in a body off a socket. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 7, 8, 9, 15, 8_180, 8_189, 8_190, 8_191, 8_192, 16_383})
    void aLongTextIsLookedAtEverywhere(int at) {
        String text = "x".repeat(at) + "\u20ac\ud83d\ude00" + "y".repeat(8_200);

        assertThat(is(Bodies.inPieces(text, 1_000))).isTrue();
        byte[] wrong = text.getBytes(StandardCharsets.UTF_8);
        wrong[at + 1] = 'z';
        assertThat(is(Unpooled.wrappedBuffer(wrong))).isFalse();
        assertThat(is(Unpooled.wrappedBuffer(wrong).setByte(at, 0xFF))).isFalse();
    }

    private static boolean decodes(byte[] bytes) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }
}
