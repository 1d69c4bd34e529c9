// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import java.nio.file.Path;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;

/** How files with results are called. No state. */
public final class Results {
    /** Those that the documentation shows. */
    public static final Path DOCS = Path.of("docs", "benchmarks", "results");

    private Results() {}

    /** Returns the second of a run, UTC. */
    public static String now() {
        return DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss").format(LocalDateTime.now(ZoneOffset.UTC));
    }

    /** Returns the day of a run, UTC. */
    public static String today() {
        return LocalDate.now(ZoneOffset.UTC).toString();
    }
}
