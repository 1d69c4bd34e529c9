// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.bench.stress.field.Wish.Kind;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class WishTest {
    private static final String EVENT = "data: {\"choices\":[{\"text\":\" word\"}]}\n\n";
    private static final String DONE = "data: [DONE]\n\n";
    private static final String ERROR = "data: {\"error\":{\"code\":502}}\n\n";

    static Stream<Wish> wishes() {
        return Arrays.stream(Kind.values()).map(kind -> new Wish(kind, 7, 30, 1_000));
    }

    private static Answer answer(String body) {
        return new Answer(200, Map.of(), body);
    }

    @ParameterizedTest
    @MethodSource("wishes")
    void engineReadsWhatClientHasWritten(Wish wish) {
        boolean streamed = Set.of(Kind.DRIP, Kind.FLOOD, Kind.BURST, Kind.CUT).contains(wish.kind());

        assertThat(Wish.in(wish.body())).isEqualTo(wish);
        assertThat(wish.body().contains("\"stream\":true")).isEqualTo(streamed);
    }

    @Test
    void anythingElseIsNoWish() {
        assertThatThrownBy(() -> Wish.in("{\"prompt\":\"hello\"}")).hasMessageContaining("expected: a wish");
    }

    @Test
    void aStreamIsGrantedWithAllItsEvents() {
        Wish wish = new Wish(Kind.BURST, 1, 2, 0);

        assertThat(wish.granted(answer(EVENT + EVENT + DONE))).isTrue();
        assertThat(wish.granted(answer(EVENT + DONE))).isFalse();
        assertThat(wish.granted(answer(EVENT + EVENT))).isFalse();
        assertThat(wish.granted(new Answer(503, Map.of(), EVENT + EVENT + DONE)))
                .isFalse();
    }

    @Test
    void aStreamThatIsCutEndsWithAnError() {
        Wish wish = new Wish(Kind.CUT, 1, 2, 0);

        assertThat(wish.granted(answer(EVENT + ERROR))).isTrue();
        assertThat(wish.granted(answer(EVENT))).isFalse();
        assertThat(wish.granted(answer(EVENT + ERROR + DONE))).isFalse();
    }

    @Test
    void aFaultThatIsMadeGoodLeavesTheWholeAnswer() {
        assertThat(new Wish(Kind.HALF, 1, 0, 0).granted(answer(StressEngine.WHOLE)))
                .isTrue();
        assertThat(new Wish(Kind.HALF, 1, 0, 0).granted(answer("{"))).isFalse();
    }
}
