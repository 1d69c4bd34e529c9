// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.simulator.http.RawClient;
import dev.tandem.simulator.http.RawClient.Response;
import dev.tandem.simulator.llama.FixtureRules.Findings;
import dev.tandem.simulator.wire.Json;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * Sends the requests that were recorded with a real pair of llama-servers, in their order, and compares the answers
 * byte by byte; what may differ is in {@link FixtureRules}.
 */
class LlamaFixtureTest {
    private static final Path FOLDER = Path.of("src/test/resources/fixtures/llamacpp-11669");
    private static final int FIXTURES = 35;
    private static final String SEPARATOR = "\n=====8<===== response =====8<=====\n";
    private static final String DECODE_HOST = "Host: 127.0.0.1:8220";

    @TempDir
    static Path slots;

    private static SimulatedLlamaServer prefill;
    private static SimulatedLlamaServer decode;

    @BeforeAll
    static void start() {
        // The recording has slot 9 of two slots and no strictness.
        LlamaOptions options = LlamaOptions.of("tiny", slots).withStrict(false).withAnswerTokens(0);
        prefill = SimulatedLlamaServer.start(options);
        decode = SimulatedLlamaServer.start(options);
    }

    @AfterAll
    static void stop() {
        prefill.close();
        decode.close();
    }

    @TestFactory
    Stream<DynamicTest> answersLikeTheRecordedServers() throws IOException {
        FixtureRules rules = new FixtureRules();
        List<DynamicTest> tests = new ArrayList<>();
        try (Stream<Path> files = Files.list(FOLDER)) {
            for (Path file : files.sorted().toList()) {
                tests.add(DynamicTest.dynamicTest(file.getFileName().toString(), () -> compare(file, rules)));
            }
        }
        assertThat(tests).hasSize(FIXTURES);
        tests.add(DynamicTest.dynamicTest(
                "every rule is needed",
                () -> assertThat(rules.used()).isEqualTo(EnumSet.allOf(FixtureRules.Rule.class))));
        return tests.stream();
    }

    private static void compare(Path file, FixtureRules rules) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        int cut = new String(bytes, StandardCharsets.ISO_8859_1).indexOf(SEPARATOR);
        byte[] request = Arrays.copyOf(bytes, cut);
        Response expected = RawClient.read(
                new ByteArrayInputStream(bytes, cut + SEPARATOR.length(), bytes.length - cut - SEPARATOR.length()),
                false);
        boolean decoding = new String(request, StandardCharsets.ISO_8859_1).contains(DECODE_HOST);
        Response actual;
        try (RawClient client = new RawClient((decoding ? decode : prefill).port())) {
            actual = client.send(request).read();
        }
        Findings findings = rules.new Findings();
        findings.compare("status line", expected.statusLine(), actual.statusLine());
        compareHeaders(expected.headers(), actual.headers(), findings);
        String type = expected.header("content-type");
        if (type.equals("text/event-stream")) {
            compareStreams(expected.chunks(), actual.chunks(), findings);
        } else if (type.startsWith("text/plain")) {
            compareMetrics(expected.body(), actual.body(), findings);
        } else {
            JsonNode recorded = Json.MAPPER.readTree(expected.body());
            JsonNode simulated = Json.MAPPER.readTree(actual.body());
            compareJson("", recorded, simulated, findings);
            findings.compare("reuse", reuse(recorded), reuse(simulated));
        }
        assertThat(findings.forbidden()).isEmpty();
    }

    private static void compareHeaders(
            List<Map.Entry<String, String>> expected, List<Map.Entry<String, String>> actual, Findings findings) {
        findings.compare("number of headers", "" + expected.size(), "" + actual.size());
        for (int i = 0; i < Math.min(expected.size(), actual.size()); i++) {
            String name = expected.get(i).getKey();
            findings.compare("header name " + name, name, actual.get(i).getKey());
            findings.compare(
                    "header " + name, expected.get(i).getValue(), actual.get(i).getValue());
        }
    }

    /** Compares HTTP chunk by chunk; neighbours of the same structure count as one. */
    private static void compareStreams(List<byte[]> expected, List<byte[]> actual, Findings findings) {
        List<List<String>> recorded = distinct(expected);
        List<List<String>> simulated = distinct(actual);
        findings.compare("events", "" + expected.size(), "" + actual.size());
        findings.compare("kinds of chunks", "" + recorded.size(), "" + simulated.size());
        for (int i = 0; i < Math.min(recorded.size(), simulated.size()); i++) {
            compareEvents(recorded.get(i), simulated.get(i), findings);
        }
    }

    private static void compareEvents(List<String> expected, List<String> actual, Findings findings) {
        findings.compare("events in a chunk", "" + expected.size(), "" + actual.size());
        for (int i = 0; i < Math.min(expected.size(), actual.size()); i++) {
            String recorded = expected.get(i);
            if (!recorded.startsWith("data: {") || !actual.get(i).startsWith("data: {")) {
                findings.compare("event", recorded, actual.get(i));
                continue;
            }
            JsonNode recordedJson = Json.MAPPER.readTree(recorded.substring(6));
            JsonNode simulatedJson = Json.MAPPER.readTree(actual.get(i).substring(6));
            compareJson("", recordedJson, simulatedJson, findings);
            findings.compare("reuse", reuse(recordedJson), reuse(simulatedJson));
        }
    }

    /** Returns the events of the chunks, without chunks that have the structure of the one before. */
    private static List<List<String>> distinct(List<byte[]> chunks) {
        List<List<String>> distinct = new ArrayList<>();
        String before = "";
        for (byte[] chunk : chunks) {
            String text = new String(chunk, StandardCharsets.UTF_8);
            assertThat(text).endsWith("\n\n");
            String structure = text.replaceAll("\"(text|content)\":\"(\\\\.|[^\"\\\\])*\"", "\"$1\":\"\"")
                    .replaceAll("chatcmpl-\\w+", "")
                    .replaceAll("\"created\":\\d+", "");
            if (!structure.equals(before)) {
                distinct.add(Arrays.asList(text.split("\n\n")));
            }
            before = structure;
        }
        return distinct;
    }

    private static void compareMetrics(String expected, String actual, Findings findings) {
        List<String> recorded = expected.lines().toList();
        List<String> simulated = actual.lines().toList();
        findings.compare("lines of metrics", "" + recorded.size(), "" + simulated.size());
        for (int i = 0; i < Math.min(recorded.size(), simulated.size()); i++) {
            if (recorded.get(i).startsWith("#")) {
                findings.compare("metric comment", recorded.get(i), simulated.get(i));
            } else {
                String[] sample = recorded.get(i).split(" ", -1);
                String[] other = simulated.get(i).split(" ", -1);
                findings.compare("metric name", sample[0], other[0]);
                findings.compare("metric " + sample[0], sample[1], other[1]);
            }
        }
        assertThat(expected.endsWith("\n")).isEqualTo(actual.endsWith("\n"));
    }

    private static void compareJson(String place, JsonNode expected, JsonNode actual, Findings findings) {
        findings.compare(place + " type", type(expected), type(actual));
        if (!type(expected).equals(type(actual))) {
            return;
        }
        if (expected.isObject()) {
            List<String> names = List.copyOf(expected.propertyNames());
            findings.compare(
                    place + " fields",
                    names.toString(),
                    List.copyOf(actual.propertyNames()).toString());
            for (String name : names) {
                String below = place.isEmpty() ? name : place + "." + name;
                compareJson(below, expected.path(name), actual.path(name), findings);
            }
        } else if (expected.isArray()) {
            findings.compare(place + "[].size", "" + expected.size(), "" + actual.size());
            for (int i = 0; i < Math.min(expected.size(), actual.size()); i++) {
                compareJson(place + "[]", expected.get(i), actual.get(i), findings);
            }
        } else {
            findings.compare(place, expected.asString(), actual.asString());
        }
    }

    private static String type(JsonNode node) {
        return node.isNumber() ? (node.isIntegralNumber() ? "integer" : "decimal") : "" + node.getNodeType();
    }

    /** Returns how much of the prompt came from the slot: nothing, all but the last token, or something between. */
    private static String reuse(JsonNode body) {
        JsonNode timings = body.path("timings");
        JsonNode usage = body.path("usage");
        if (timings.isObject()) {
            return share(
                    timings.path("cache_n").asInt(), timings.path("prompt_n").asInt());
        }
        if (usage.has("cache_read_input_tokens")) {
            return share(
                    usage.path("cache_read_input_tokens").asInt(),
                    usage.path("input_tokens").asInt());
        }
        int cached = usage.path("input_tokens_details").path("cached_tokens").asInt();
        return share(cached, usage.path("input_tokens").asInt() - cached);
    }

    private static String share(int cached, int evaluated) {
        return cached == 0 ? "nothing" : evaluated == 1 ? "all but one" : "something";
    }
}
