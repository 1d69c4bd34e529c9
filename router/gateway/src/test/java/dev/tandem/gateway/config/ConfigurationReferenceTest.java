// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.gateway.GeneratedPage;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** docs/configuration.md is made from the metadata that the compiler makes from the settings' own Javadoc. */
class ConfigurationReferenceTest {
    private static final String INTRODUCTION = """
            # Settings

            Generated from the settings' own descriptions; `./mvnw -pl router/gateway -am test -Dtest=ConfigurationReferenceTest \
            -Dsurefire.failIfNoSpecifiedTests=false -Ddocs.update=true` rewrites it.

            A setting can be given as a command-line argument (`--tandem.engine.connect-timeout=2s`), in a `tandem.yml` in the
            working directory, in a preset named by `TANDEM_PRESET`, or as an environment variable: dots become underscores,
            dashes go, upper case (`TANDEM_ENGINE_CONNECTTIMEOUT=2s`). A name that does not exist stops the start and is
            answered with the nearest one that does.

            Short names of the most used ones, read from the environment: `ROUTER_PORT` (8088), `MANAGEMENT_PORT` (9088),
            `MANAGEMENT_ADDRESS`, `PREFILL_URLS`, `DECODE_URLS`, `UNIFIED_URLS`, `KV_CONNECTOR`, `ROUTING_POLICY_PREFILL`,
            `ROUTING_POLICY_DECODE`. Connectors are listed in `docs/connectors/`, policies in `docs/policies.md`.

            A worker of the long form has these attributes: `tandem.workers[0].id`, `.url`, `.role` (`prefill`, `decode` or
            `unified`, the default), `.api-key` (sent to the engine as bearer token), `.connector` (in place of
            `tandem.disagg.connector`), `.data-parallel-size` (1; more become a worker for each rank), and, for connectors whose engines
            must be told where others lie, `.kv.port` with `.kv.host` (that of the URL), `.kv.second-port`, `.kv.engine-id`,
            `.kv.tensor-parallel-size` and `.kv.pipeline-parallel-size` (1).

            | Setting | Type | Default | What it is |
            |---|---|---|---|
            """;

    /** Sentences from their beginning to their end; the processor cuts off what stands behind a like name. */
    private static final Pattern A_TEXT = Pattern.compile("[A-Z0-9].*\\.");

    @Test
    void documentsEverySetting() throws IOException {
        Map<String, String> rows = rows();

        assertThat(rows.keySet()).containsAll(SettingNames.all());
        List<String> lines = new ArrayList<>(rows.values());
        new GeneratedPage("configuration.md").verify(INTRODUCTION + String.join("\n", lines) + "\n");
    }

    private static Map<String, String> rows() throws IOException {
        Map<String, String> rows = new TreeMap<>();
        try (InputStream in = Objects.requireNonNull(
                TandemProperties.class.getResourceAsStream("/META-INF/spring-configuration-metadata.json"))) {
            for (JsonNode property : JsonMapper.shared().readTree(in).path("properties")) {
                String name = property.path("name").asString("");
                String description = property.path("description").asString("");
                assertThat(description).as(name).matches(A_TEXT);
                rows.put(
                        name,
                        "| `%s` | %s | %s | %s |".formatted(name, type(property), byDefault(property), description));
            }
        }
        return rows;
    }

    private static String type(JsonNode property) {
        return property.path("type")
                .asString("")
                .replaceAll("[a-zA-Z]+\\.(?=[a-zA-Z])", "")
                .replace("TandemProperties$", "");
    }

    private static String byDefault(JsonNode property) {
        JsonNode value = property.path("defaultValue");
        if (value.isMissingNode()) {
            return "";
        }
        return "`"
                + (value.isArray()
                        ? String.join(
                                ",",
                                value.valueStream().map(v -> v.asString("")).toList())
                        : value.asString(""))
                + "`";
    }
}
