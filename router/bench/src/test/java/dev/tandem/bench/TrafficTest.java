// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class TrafficTest {
    @Test
    void bodiesAreJsonOfExactlyTheAskedSize() {
        for (Cell cell : Cell.values()) {
            byte[] body = Traffic.requestBody(cell.shape(), 17);
            assertThat(body).hasSize(cell.shape().bodyBytes());
            JsonNode json = JsonMapper.shared().readTree(body);
            assertThat(json.get("stream").asBoolean()).isEqualTo(cell.shape().streamed());
            assertThat(json.get("messages").get(0).get("content").asString()).contains("#p17 ");
        }
    }

    @Test
    void promptsDiffer() {
        Set<String> bodies = new HashSet<>();
        for (int prompt = 0; prompt < Traffic.PROMPTS; prompt++) {
            bodies.add(new String(Traffic.requestBody(new Shape(1_024, 0, 0), prompt), StandardCharsets.US_ASCII));
        }
        assertThat(bodies).hasSize(Traffic.PROMPTS);
    }

    @Test
    void everyEventHasItsSizeAndItsOwnContent() {
        assertThat(Traffic.event(3, 0)).hasSize(Traffic.EVENT_BYTES).isNotEqualTo(Traffic.event(3, 1));
        assertThat(Traffic.event(63, 199)).hasSize(Traffic.EVENT_BYTES).isNotEqualTo(Traffic.event(62, 199));
        String event = new String(Traffic.event(63, 199), StandardCharsets.US_ASCII);
        assertThat(event).startsWith("data: {").endsWith("}\n\n");
        assertThat(JsonMapper.shared().readTree(event.substring(6)).has("choices"))
                .isTrue();
    }

    @Test
    void idsAreAllThatDiffers() {
        for (int index : new int[] {0, 199}) {
            String event = new String(Traffic.eventWithIds(63, index), StandardCharsets.US_ASCII);
            assertThat(event).contains("\"token_ids\":[" + (100_000 + index) + "]");
            assertThat(event.replaceAll("ids\":\\[[^]]*]", "ids\":null"))
                    .isEqualTo(new String(Traffic.event(63, index), StandardCharsets.US_ASCII));
        }
    }

    @Test
    void aStreamEndsWithUsageAndDone() {
        String stream = new String(Traffic.expected(new Shape(1_024, 2, 0), 5), StandardCharsets.US_ASCII);
        assertThat(stream.split("\n\n", -1)).hasSize(5);
        assertThat(stream).contains("\"completion_tokens\":2").endsWith("data: [DONE]\n\n");
    }

    @Test
    void theWorkerFindsWhatTheClientAskedFor() {
        Shape shape = new Shape(131_072, 200, 5_000);
        byte[] body = Traffic.requestBody(shape, 42);
        assertThat(Shape.find(body, 2_048)).isEqualTo(new Shape.Found(42, shape));
    }

    @Test
    void aBodyWithoutACompleteMarkerIsRefused() {
        byte[] none = Traffic.ascii("{\"prompt\":\"hello\"}");
        byte[] cut = Traffic.ascii("{\"prompt\":\"#p3 n4 q5");
        assertThatIllegalArgumentException().isThrownBy(() -> Shape.find(none, none.length));
        assertThatIllegalArgumentException().isThrownBy(() -> Shape.find(cut, cut.length));
    }
}
