// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/**
 * A generated part of a page under {@code docs/}, between two comments that name it. Immutable.
 *
 * <p>The page in the tree must be what the code says; {@code -Ddocs.update=true} rewrites it instead.
 */
final class DocumentSection {
    private static final String UPDATE = "docs.update";

    private final Path file;
    private final String begin;
    private final String end;

    DocumentSection(String page, String name) {
        this.file = root().resolve("docs").resolve(page);
        this.begin = "<!-- generated: " + name + " -->\n";
        this.end = "<!-- end of " + name + " -->";
    }

    void verify(String content) throws IOException {
        String page = Files.readString(file);
        int from = page.indexOf(begin);
        int to = page.indexOf(end);
        assertThat(from).as("%s has no line %s", file, begin).isNotNegative();
        assertThat(to).as("%s has no line %s", file, end).isGreaterThan(from);
        String wanted = page.substring(0, from) + begin + content + page.substring(to);
        if (Boolean.getBoolean(UPDATE)) {
            Files.writeString(file, wanted);
        }
        assertThat(Files.readString(file))
                .as("%s is stale: run this test with -D%s=true and commit the page", file.getFileName(), UPDATE)
                .isEqualTo(wanted);
    }

    /** Returns the root of the source tree: the nearest folder above that holds the Maven wrapper. */
    private static Path root() {
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.exists(folder.resolve("mvnw"))) {
            folder = Objects.requireNonNull(folder.getParent(), "no folder above holds mvnw");
        }
        return folder;
    }
}
