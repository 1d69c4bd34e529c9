// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static java.util.Map.entry;

import com.tngtech.archunit.library.GeneralCodingRules;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The package map of docs/architecture.md as an executable table. */
class ArchitectureTest extends PackageRules {
    private static final String ROOT = "dev.tandem.core.";

    private static final Map<String, Set<String>> MAY_USE = Map.ofEntries(
            entry("failure", Set.of()),
            entry("time", Set.of()),
            entry("request", Set.of("time")),
            entry("health", Set.of("time")),
            entry("fleet", Set.of("failure", "health", "time")),
            entry("prefix", Set.of("request", "fleet", "time")),
            entry("routing", Set.of("fleet", "prefix", "failure", "request", "time")),
            entry("disagg", Set.of("fleet", "request", "failure")),
            entry("retry", Set.of("failure", "time")),
            entry("admission", Set.of("request")),
            entry("lifecycle", Set.of("failure", "time", "request", "fleet", "prefix", "routing", "disagg", "retry")));

    ArchitectureTest() {
        super(ROOT, MAY_USE);
    }

    @Test
    void coreUsesOnlyTheJdkAndJSpecify() {
        classes()
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage("dev.tandem.core..", "java..", "org.jspecify..")
                .check(classes);
    }

    @Test
    void timeComesFromTheTickerAlone() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.tandem.core.time..")
                .should()
                .callMethod(System.class, "nanoTime")
                .orShould()
                .callMethod(System.class, "currentTimeMillis")
                .orShould()
                .callMethod(Thread.class, "sleep", long.class)
                .check(classes);
    }

    @Test
    void nothingReadsTheEnvironmentOrTheConsole() {
        noClasses().should().callMethod(System.class, "getenv", String.class).check(classes);
        noClasses()
                .should()
                .callMethod(System.class, "getProperty", String.class)
                .check(classes);
        GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS.check(classes);
    }
}
