// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.text;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class SchemaSampleTest {
    private static JsonNode sample(String schema, long content) {
        return SchemaSample.of(JsonMapper.shared().readTree(schema), content);
    }

    @Test
    void respectsTypesBoundsAndChoices() {
        String schema =
                "{\"type\":\"object\",\"properties\":{\"days\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":9},"
                        + "\"unit\":{\"enum\":[\"C\",\"F\"]},\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},"
                        + "\"minItems\":2},\"at\":{\"$ref\":\"#/$defs/p\"}},\"$defs\":{\"p\":{\"const\":7}}}";
        for (int content = 0; content < 100; content++) {
            JsonNode value = sample(schema, content);
            assertThat(value.get("days").intValue()).isBetween(1, 9);
            assertThat(value.get("unit").stringValue()).isIn("C", "F");
            assertThat(value.get("tags")).hasSize(2);
            assertThat(value.get("at").intValue()).isEqualTo(7);
        }
    }

    @Test
    void dependsOnTheContent() {
        String schema = "{\"type\":\"string\"}";
        assertThat(sample(schema, 1)).isEqualTo(sample(schema, 1)).isNotEqualTo(sample(schema, 2));
    }

    @Test
    void endsForSchemasThatContainThemselves() {
        String schema = "{\"properties\":{\"next\":{\"$ref\":\"#\"}}}";
        assertThat(sample(schema, 1).has("next")).isTrue();
    }
}
