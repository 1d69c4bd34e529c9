// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.prefix;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Chains of block hashes. */
class FingerprinterTest {
    private final Fingerprinter fingerprinter = Fingerprinter.standard();

    @Test
    void hasOneKeyPerBlockAndOneForTheRest() {
        assertThat(of(new byte[0]).blocks()).isZero();
        assertThat(of(new byte[1]).blocks()).isEqualTo(1);
        assertThat(of(new byte[256]).blocks()).isEqualTo(1);
        assertThat(of(new byte[257]).blocks()).isEqualTo(2);
        assertThat(of(new byte[10 * 256]).blocks()).isEqualTo(10);
    }

    @Test
    void stopsAtTheLimit() {
        byte[] bytes = random(1000, 1);
        Fingerprint small = fingerprint(new Fingerprinter(64, 3), bytes);
        assertThat(small.blocks()).isEqualTo(3);
        assertThat(small.key(2))
                .isEqualTo(fingerprint(new Fingerprinter(64, 4), bytes).key(2));
    }

    @Test
    void promptsShareKeysExactlyAsFarAsTheyAreEqual() {
        byte[] bytes = random(20 * 256 + 100, 2);
        Fingerprint original = of(bytes);
        for (int at = 0; at < bytes.length; at += 97) {
            byte[] changed = bytes.clone();
            changed[at] ^= 1;
            Fingerprint other = of(changed);
            for (int block = 0; block < original.blocks(); block++) {
                assertThat(other.key(block) == original.key(block))
                        .as("change at byte %d, block %d", at, block)
                        .isEqualTo(block < at / 256);
            }
        }
    }

    @Test
    void aLongerPromptKeepsTheKeysOfItsFullBlocks() {
        byte[] bytes = random(1000, 3);
        Fingerprint all = of(bytes);
        Fingerprint head = of(Arrays.copyOf(bytes, 600));
        assertThat(head.key(0)).isEqualTo(all.key(0));
        assertThat(head.key(1)).isEqualTo(all.key(1));
        assertThat(head.key(2)).isNotEqualTo(all.key(2));
    }

    @Test
    void divisionIntoCallsMakesNoDifference() {
        long seed = 4;
        SplittableRandom random = new SplittableRandom(seed);
        byte[] bytes = random(5000, seed);
        Fingerprint whole = of(bytes);
        for (int run = 0; run < 50; run++) {
            Fingerprinter.Builder builder = fingerprinter.start("m", "t");
            for (int at = 0; at < bytes.length; ) {
                int length = Math.min(random.nextInt(1, 700), bytes.length - at);
                builder.update(bytes, at, length);
                at += length;
            }
            assertThat(keys(builder.finish())).isEqualTo(keys(whole));
        }
    }

    @Test
    void aCutKeepsTheKeyOfAMessageWhenTheConversationGoesOn() {
        byte[] first = "[{\"role\":\"user\",\"content\":\"hi\"}".getBytes(UTF_8);
        byte[] second = ",{\"role\":\"assistant\",\"content\":\"hello\"}".getBytes(UTF_8);
        Fingerprinter.Builder one = fingerprinter.start("m", "t");
        one.update(first, 0, first.length);
        one.cut();
        Fingerprinter.Builder two = fingerprinter.start("m", "t");
        two.update(first, 0, first.length);
        two.cut();
        two.cut();
        two.update(second, 0, second.length);
        two.cut();
        Fingerprint turn1 = one.finish();
        Fingerprint turn2 = two.finish();
        assertThat(turn1.blocks()).isEqualTo(1);
        assertThat(turn2.blocks()).isEqualTo(2);
        assertThat(turn2.key(0)).isEqualTo(turn1.key(0));
    }

    @Test
    void modelAndTenantSaltTheChain() {
        byte[] bytes = random(256, 5);
        long[] keys = {
            key(bytes, "m", "t"),
            key(bytes, "m", "u"),
            key(bytes, "n", "t"),
            key(bytes, "mt", ""),
            key(bytes, "", "mt"),
            key(bytes, null, "t"),
            key(bytes, null, "mt")
        };
        assertThat(keys).doesNotHaveDuplicates();
        assertThat(key(bytes, "m", "t")).isEqualTo(keys[0]);
    }

    @Test
    void trailingZerosAndLengthMatter() {
        long[] keys = new long[300];
        for (int length = 1; length <= keys.length; length++) {
            Fingerprint zeros = of(new byte[length]);
            keys[length - 1] = zeros.key(zeros.blocks() - 1);
        }
        assertThat(keys).doesNotHaveDuplicates();
    }

    @Test
    void aMillionSimilarBlocksDoNotCollide() {
        int count = 1_000_000;
        long[] keys = new long[count];
        byte[] block =
                "The quick brown fox jumps over the lazy dog, said user 00000000 to the assistant.".getBytes(UTF_8);
        for (int i = 0; i < count; i++) {
            int digits = i;
            for (int at = 62; at >= 55; at--) {
                block[at] = (byte) ('0' + digits % 10);
                digits /= 10;
            }
            keys[i] = key(block, "m", "t");
        }
        Arrays.sort(keys);
        for (int i = 1; i < count; i++) {
            assertThat(keys[i] == keys[i - 1]).isFalse();
        }
    }

    /** 64 output bits, each a fair coin: over 64 x 2,048 flips the mean is 32 with a deviation of 0.011. */
    @Test
    void everyInputBitChangesHalfOfTheKey() {
        byte[] block = random(256, 6);
        long before = key(block, "m", "t");
        long[] flips = new long[64];
        double changed = 0;
        for (int bit = 0; bit < 2048; bit++) {
            block[bit / 8] ^= (byte) (1 << bit % 8);
            long difference = before ^ key(block, "m", "t");
            block[bit / 8] ^= (byte) (1 << bit % 8);
            changed += Long.bitCount(difference);
            assertThat(Long.bitCount(difference)).as("bit %d", bit).isBetween(10, 54);
            for (int out = 0; out < 64; out++) {
                flips[out] += difference >>> out & 1;
            }
        }
        assertThat(changed / 2048).isBetween(31.5, 32.5);
        assertThat(Arrays.stream(flips).boxed())
                .allSatisfy(count -> assertThat(count).isBetween(1024L - 130, 1024L + 130));
    }

    @Test
    void refusesSizesThatCannotWork() {
        assertThatThrownBy(() -> new Fingerprinter(12, 1)).hasMessageContaining("blockBytes: 12");
        assertThatThrownBy(() -> new Fingerprinter(0, 1)).hasMessageContaining("blockBytes: 0");
        assertThatThrownBy(() -> new Fingerprinter(8, 0)).hasMessageContaining("maxBlocks: 0");
    }

    private Fingerprint of(byte[] bytes) {
        return fingerprint(fingerprinter, bytes);
    }

    private static Fingerprint fingerprint(Fingerprinter source, byte[] bytes) {
        Fingerprinter.Builder builder = source.start("m", "t");
        builder.update(bytes, 0, bytes.length);
        return builder.finish();
    }

    private long key(byte[] bytes, @org.jspecify.annotations.Nullable String model, String tenant) {
        Fingerprinter.Builder builder = fingerprinter.start(model, tenant);
        builder.update(bytes, 0, bytes.length);
        return builder.finish().key(0);
    }

    private static long[] keys(Fingerprint fingerprint) {
        long[] keys = new long[fingerprint.blocks()];
        Arrays.setAll(keys, fingerprint::key);
        return keys;
    }

    private static byte[] random(int length, long seed) {
        byte[] bytes = new byte[length];
        new SplittableRandom(seed).nextBytes(bytes);
        return bytes;
    }
}
