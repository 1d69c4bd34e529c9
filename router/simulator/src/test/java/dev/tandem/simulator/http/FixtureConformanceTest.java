// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Sends every request that was recorded with real vLLM 0.32.0 servers to engines in their place, in the same order, and
 * compares the answers. What may differ is in {@link Difference}, and nowhere else.
 */
class FixtureConformanceTest {
    private static final List<String> FOLDERS = List.of("plain", "nixl", "shared-storage", "lmcache-mp");

    private static final Set<Difference> USED = EnumSet.noneOf(Difference.class);
    private static final Map<String, List<Recording>> RECORDINGS = new LinkedHashMap<>();
    private static final Map<String, Replay> REPLAYS = new HashMap<>();

    @TempDir
    static Path stores;

    @BeforeAll
    static void start() throws IOException {
        for (String folder : FOLDERS) {
            RECORDINGS.put(folder, Recording.of(folder));
            REPLAYS.put(folder, new Replay(folder, stores.resolve(folder), USED));
        }
    }

    @AfterAll
    static void stop() {
        REPLAYS.values().forEach(Replay::close);
    }

    @TestFactory
    Stream<DynamicNode> answersLikeTheRecordedServers() {
        Stream<DynamicNode> folders = FOLDERS.stream()
                .map(folder -> DynamicContainer.dynamicContainer(
                        folder,
                        RECORDINGS.getOrDefault(folder, List.of()).stream()
                                .map(recording -> DynamicTest.dynamicTest(recording.name(), () -> run(recording)))));
        return Stream.concat(
                folders,
                Stream.of(
                        DynamicTest.dynamicTest(
                                "every difference is needed",
                                () -> assertThat(USED).containsExactly(Difference.values())),
                        DynamicTest.dynamicTest("the documentation counts them", this::verifyDocumentation)));
    }

    private static void run(Recording recording) throws IOException {
        Objects.requireNonNull(REPLAYS.get(recording.folder())).run(recording);
    }

    private void verifyDocumentation() throws IOException {
        StringBuilder text = new StringBuilder();
        int all = RECORDINGS.values().stream().mapToInt(List::size).sum();
        text.append("%d recorded exchanges are replayed in every build".formatted(all));
        text.append(" (");
        text.append(String.join(
                ", ",
                RECORDINGS.entrySet().stream()
                        .map(folder -> "`%s` %d"
                                .formatted(folder.getKey(), folder.getValue().size()))
                        .toList()));
        text.append("). The answers may differ from the recorded ones by %d rules:%n%n"
                .formatted(Difference.values().length));
        text.append("| Rule | What differs |\n|---|---|\n");
        for (Difference difference : Difference.values()) {
            text.append("| `%s` | %s |%n".formatted(difference.name(), difference.sentence()));
        }
        new DocumentSection("simulator.md", "fixtures").verify(text.toString());
    }
}
