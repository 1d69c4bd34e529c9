// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.disagg.KvConnectors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The table of {@code docs/connectors/README.md} is written by hand; it must list what the code has. */
final class ConnectorReferenceTest {
    private static final Path PAGES = GeneratedPage.root().resolve("docs/connectors");
    private static final Path OVERVIEW = PAGES.resolve("README.md");

    /** A row begins with a name and ends with the link to its page. */
    private static final Pattern ROW = Pattern.compile("^\\| `(?<name>[^`]+)` \\|.*\\((?<page>[^()]+\\.md)\\) \\|$");

    @Test
    void theTableNamesEveryConnectorInOrder() throws IOException {
        assertThat(rows().stream().map(row -> row.group("name")).toList()).isEqualTo(KvConnectors.names());
    }

    @Test
    void everyRowLinksThePageThatHasTheConnectorInItsTitle() throws IOException {
        for (MatchResult row : rows()) {
            Path page = PAGES.resolve(row.group("page"));

            assertThat(page).isRegularFile();
            assertThat(titles(page)).as(page.getFileName().toString()).contains(row.group("name"));
        }
    }

    @Test
    void everyPageIsLinked() throws IOException {
        String overview = Files.readString(OVERVIEW);
        try (Stream<Path> pages = Files.list(PAGES)) {
            assertThat(pages.filter(page -> page.toString().endsWith(".md") && !page.equals(OVERVIEW)))
                    .allSatisfy(page -> assertThat(overview).contains("(" + page.getFileName() + ")"));
        }
    }

    private static List<String> titles(Path page) throws IOException {
        return List.of(
                Files.readAllLines(page).getFirst().substring("# ".length()).split(", "));
    }

    private static List<MatchResult> rows() throws IOException {
        return Files.readAllLines(OVERVIEW).stream()
                .flatMap(line -> ROW.matcher(line).results())
                .toList();
    }
}
