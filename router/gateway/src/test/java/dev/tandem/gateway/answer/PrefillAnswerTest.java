// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.disagg.Handover.Carried;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PrefillAnswerTest {
    private static final String OFFER =
            "{\"a\":\"ünï \\\" x\", \"b\":[[1],[2e0]],\"host\":\"localhost\" ,\"c\":{\"d\":null},\"e\":1.50}";

    private static Optional<String> carried(String offer, List<String> required, Map<String, String> ours) {
        String answer = "{\"id\":\"x\",\"kv\":" + offer + ",\"usage\":{}}";
        return PrefillAnswer.carried(
                        Unpooled.copiedBuffer(answer, StandardCharsets.UTF_8), new Carried("kv", required, ours))
                .map(Put::json);
    }

    @Test
    void anObjectIsCarriedAsItCame() {
        assertThat(carried(OFFER, List.of("a", "b"), Map.of())).contains(OFFER);
    }

    @Test
    void whatTheRouterKnowsBetterTakesThePlaceOfWhatTheEngineSaid() {
        assertThat(carried(OFFER, List.of("a", "b"), Map.of("host", "\"10.0.0.1\"")))
                .contains(
                        "{\"a\":\"ünï \\\" x\",\"b\":[[1],[2e0]],\"c\":{\"d\":null},\"e\":1.50,\"host\":\"10.0.0.1\"}");
    }

    @Test
    void whatTheEngineDidNotSayIsAdded() {
        assertThat(carried("{\"a\":1}", List.of("a"), Map.of("z", "true"))).contains("{\"a\":1,\"z\":true}");
    }

    @Test
    void listsFromAroundTheObjectAreTakenUp() {
        Carried wanted = new Carried("kv", List.of("a"), Map.of("h", "1"), List.of("ids", "none", "absent"));
        String answer = "{\"ids\":[1, 22,3],\"kv\":{\"a\":1},\"none\":null}";

        assertThat(PrefillAnswer.carried(Unpooled.copiedBuffer(answer, StandardCharsets.UTF_8), wanted)
                        .map(Put::json))
                .contains("{\"a\":1,\"h\":1,\"ids\":[1, 22,3]}");
    }

    @Test
    void anIncompleteObjectIsNotCarried() {
        assertThat(carried("{\"a\":1}", List.of("a", "b"), Map.of("b", "2"))).isEmpty();
        assertThat(carried("{\"a\":\"\",\"b\":[]}", List.of("a", "b"), Map.of()))
                .isEmpty();
        assertThat(carried("null", List.of(), Map.of())).isEmpty();
    }

    private static boolean mayHide(String answer) {
        return PrefillAnswer.mayHide(
                Unpooled.copiedBuffer(answer, StandardCharsets.UTF_8), new Carried("kv", List.of("a", "b"), Map.of()));
    }

    @Test
    void aBrokenAnswerMayHideWhatTheEngineHolds() {
        assertThat(mayHide("{\"kv\":{\"a\":null,\"b\":null}}")).isTrue();
        assertThat(mayHide("{\"kv\":{\"a\":[[1]]}}")).isTrue();
        assertThat(mayHide("{\"kv\":{\"a\":[[1")).isTrue();
        assertThat(mayHide("<html>")).isTrue();
        assertThat(mayHide("{\"kv\":null}")).isFalse();
        assertThat(mayHide("{\"kv\":{}}")).isFalse();
        assertThat(mayHide("{\"id\":\"x\"}")).isFalse();
        assertThat(mayHide("{\"kv\":{\"a\":[],\"c\":1}}")).isFalse();
    }
}
