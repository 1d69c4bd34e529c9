// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class WishTest {
    static Stream<Wish> wishes() {
        return Stream.of(Wish.drip(7, 30, 1_000), Wish.flood(0), Wish.work(12, 40));
    }

    @ParameterizedTest
    @MethodSource("wishes")
    void engineReadsWhatClientHasWritten(Wish wish) {
        assertThat(Wish.in(wish.body())).isEqualTo(wish);
        assertThat(wish.body().contains("\"stream\":true")).isEqualTo(wish.kind() != Wish.Kind.WORK);
    }

    @Test
    void anythingElseIsNoWish() {
        assertThatThrownBy(() -> Wish.in("{\"prompt\":\"hello\"}")).hasMessageContaining("expected: a wish");
    }
}
