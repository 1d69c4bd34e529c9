// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A page under {@code docs/} that a test generates. Immutable.
 *
 * <p>The page in the tree must be what the code says; {@code -Ddocs.update=true} rewrites it instead.
 */
public final class GeneratedPage {
    private static final String UPDATE = "docs.update";

    private final Path file;

    /** Names a page, such as {@code errors.md}. */
    public GeneratedPage(String name) {
        this.file = root().resolve("docs").resolve(name);
    }

    /** Fails when the page differs from {@code content}, or rewrites it when asked to. */
    public void verify(String content) throws IOException {
        if (updating()) {
            Files.createDirectories(file.getParent());
            Files.writeString(file, content);
        }
        assertThat(Files.exists(file) ? Files.readString(file) : "")
                .as("%s is stale: run this test with -D%s=true and commit the page", file.getFileName(), UPDATE)
                .isEqualTo(content);
    }

    /** Returns whether pages are to be rewritten. */
    public static boolean updating() {
        return Boolean.getBoolean(UPDATE);
    }

    /** Returns the root of the source tree: the nearest folder above that holds the Maven wrapper. */
    public static Path root() {
        Path folder = Path.of("").toAbsolutePath();
        while (folder != null && !Files.exists(folder.resolve("mvnw"))) {
            folder = folder.getParent();
        }
        if (folder == null) {
            throw new IllegalStateException("no folder above " + Path.of("").toAbsolutePath() + " holds mvnw");
        }
        return folder;
    }
}
