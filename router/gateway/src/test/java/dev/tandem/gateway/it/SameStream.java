// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.gateway.it.RawClient.Answer;
import java.util.List;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Compares a stream that several workers have made with that of one. */
final class SameStream {
    private SameStream() {}

    static void assertSame(Answer answer, Answer exact) {
        assertThat(answer.status()).as("%s", answer).isEqualTo(200);
        assertThat(Streams.text(answer)).isNotEmpty().isEqualTo(Streams.text(exact));
        assertThat(values(answer, "id")).hasSize(1);
        assertThat(values(answer, "object")).isEqualTo(values(exact, "object"));
        assertThat(values(answer, "created")).hasSize(1);
        assertThat(finishes(answer)).isEqualTo(finishes(exact)).hasSize(1);
        assertThat(usage(answer)).isEqualTo(usage(exact));
        assertThat(ids(answer)).isEqualTo(ids(exact));
        assertThat(answer.text()).endsWith("data: [DONE]\n\n").doesNotContain("error");
    }

    private static Stream<JsonNode> events(Answer answer) {
        return answer.text()
                .lines()
                .filter(line -> line.startsWith("data: {"))
                .map(line -> JsonMapper.shared().readTree(line.substring("data: ".length())));
    }

    private static List<String> values(Answer answer, String field) {
        return events(answer)
                .map(event -> event.path(field).asString(""))
                .distinct()
                .toList();
    }

    private static List<String> finishes(Answer answer) {
        return events(answer)
                .map(event ->
                        event.path("choices").path(0).path("finish_reason").asString(""))
                .filter(reason -> !reason.isEmpty())
                .toList();
    }

    private static List<Integer> usage(Answer answer) {
        return events(answer)
                .map(event -> event.path("usage"))
                .filter(JsonNode::isObject)
                .flatMap(usage -> Stream.of("prompt_tokens", "completion_tokens", "total_tokens")
                        .map(name -> usage.path(name).asInt(-1)))
                .toList();
    }

    static List<Integer> ids(Answer answer) {
        return events(answer)
                .flatMap(
                        event -> event.path("choices").path(0).path("token_ids").valueStream())
                .map(id -> id.asInt(-1))
                .toList();
    }

    static String masked(Answer answer) {
        return answer.text().replaceAll("\"id\":\"[^\"]*\"|\"created\":\\d+", "");
    }
}
