// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.simulator.http.RawClient.Response;
import dev.tandem.simulator.wire.Json;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Sends the requests that were recorded with a real vLLM 0.32.0 and compares the answers: status line, headers with
 * their order, and the structure of bodies and events. Ids, times, token counts and texts are those of another model.
 */
class FixtureConformanceTest {
    private static final Path PLAIN = Path.of("src/test/resources/fixtures/vllm-0.32.0/plain");
    private static final String SEPARATOR = "\n=====8<===== response =====8<=====\n";

    /** Fixtures that are not compared, with the reason. */
    private static final Map<String, String> NOT_COMPARED = Map.of(
            "042-tools-required.http",
            "the recorded model repeats a call until the limit cuts it; the simulated one makes one valid call",
            "043-tools-required-stream.http",
            "same as 042");

    /** Values that must be the same, wherever they stand. */
    private static final Set<String> EXACT =
            Set.of("object", "finish_reason", "role", "type", "status", "stop_reason", "model", "root", "version");

    private static SimulatedEngine engine;

    @BeforeAll
    static void start() {
        engine = SimulatedEngine.start(EngineOptions.of("tiny-qwen2", 0)
                .withServedNames("tiny", "tiny-alias")
                .withStrict(false)
                .withMaxModelLength(512)
                .withBlocks(128, 64)
                .withApis(EngineOptions.Apis.GENERATE));
    }

    @AfterAll
    static void stop() {
        engine.close();
    }

    @TestFactory
    Stream<DynamicTest> answersLikeTheRecordedServer() throws IOException {
        try (Stream<Path> files = Files.list(PLAIN)) {
            List<Path> sorted = files.sorted()
                    .filter(file -> !NOT_COMPARED.containsKey(file.getFileName().toString()))
                    .toList();
            assertThat(sorted).hasSize(91 - NOT_COMPARED.size());
            return sorted.stream()
                    .map(file -> DynamicTest.dynamicTest(file.getFileName().toString(), () -> compare(file)));
        }
    }

    private static void compare(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        int cut = indexOf(bytes, SEPARATOR.getBytes(StandardCharsets.US_ASCII));
        byte[] request = Arrays.copyOf(bytes, cut);
        byte[] recorded = Arrays.copyOfRange(bytes, cut + SEPARATOR.length(), bytes.length);
        boolean head = new String(request, 0, 5, StandardCharsets.US_ASCII).equals("HEAD ");
        Response expected = RawClient.read(new ByteArrayInputStream(recorded), head);
        Response actual;
        try (RawClient client = new RawClient(engine.port())) {
            actual = RawClient.read(client.send(request).stream(), head);
        }
        assertThat(actual.statusLine()).isEqualTo(expected.statusLine());
        assertThat(headers(actual)).isEqualTo(headers(expected));
        compareBodies(expected, actual);
    }

    private static void compareBodies(Response expected, Response actual) {
        String type = expected.header("content-type");
        if (type.startsWith("text/event-stream")) {
            if (actual.body().contains("\"index\":1,")) {
                // how answers interleave depends on scheduling
                assertThat(Set.copyOf(events(actual))).isEqualTo(Set.copyOf(events(expected)));
            } else {
                assertThat(events(actual)).isEqualTo(events(expected));
            }
            assertThat(actual.chunks()).allSatisfy(chunk -> assertThat(chunk).endsWith((byte) '\n', (byte) '\n'));
        } else if (type.startsWith("text/plain; version")) {
            assertThat(families(actual.body())).isEqualTo(families(expected.body()));
        } else if (type.equals("application/json") && !expected.chunks().isEmpty()) {
            if (expected.body().contains("\"error\"") || expected.body().contains("\"detail\"")) {
                assertThat(actual.body()).isEqualTo(expected.body());
            } else {
                assertThat(shape(actual.body())).isEqualTo(shape(expected.body()));
            }
        } else {
            assertThat(actual.body()).isEqualTo(expected.body());
        }
    }

    private static int indexOf(byte[] bytes, byte[] wanted) {
        for (int at = 0; at <= bytes.length - wanted.length; at++) {
            if (Arrays.equals(bytes, at, at + wanted.length, wanted, 0, wanted.length)) {
                return at;
            }
        }
        throw new IllegalArgumentException("no separator");
    }

    private static List<String> headers(Response response) {
        return response.headers().stream()
                .map(header ->
                        Set.of("date", "content-length").contains(header.getKey()) && response.status() / 100 == 2
                                ? header.getKey()
                                : header.getKey().equals("date") ? "date" : header.toString())
                .toList();
    }

    private static String shape(String json) {
        return JsonShape.of(Json.MAPPER.readTree(json)) + exactValues(json);
    }

    /** Returns the values of {@link #EXACT} in their order, without repetitions. */
    private static Set<String> exactValues(String json) {
        return EXACT.stream()
                .flatMap(name ->
                        Json.MAPPER.readTree(json).findValues(name).stream().map(value -> name + "=" + value))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** Returns the structures of the events in their order; how many events of one kind follow each other is free. */
    private static List<String> events(Response response) {
        List<String> shapes = new ArrayList<>();
        for (String event : response.body().split("\n\n", -1)) {
            StringBuilder shape = new StringBuilder();
            for (String line : event.split("\n", -1)) {
                boolean json = line.startsWith("data: {");
                shape.append(json ? "data: " + shape(line.substring(6)) : line).append('\n');
            }
            String text = shape.toString();
            if (shapes.isEmpty() || !shapes.getLast().equals(text)) {
                shapes.add(text);
            }
        }
        return shapes;
    }

    /** Returns the families of vLLM's own metrics with their types, and the names and label names of their series. */
    private static Set<String> families(String text) {
        return text.lines()
                .filter(line -> line.startsWith("# TYPE vllm:") || line.startsWith("vllm:"))
                .filter(line -> !line.contains("tool_call_parser") && !line.contains("cache_config_info"))
                .map(line -> line.startsWith("#")
                        ? line
                        : line.replaceFirst(" [^ ]*$", "").replaceAll("le=\"[^\"]*\"", "le=\"\""))
                .collect(Collectors.toCollection(TreeSet::new));
    }
}
