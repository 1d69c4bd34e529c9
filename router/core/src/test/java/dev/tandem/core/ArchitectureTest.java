// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.GeneralCodingRules;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The package map of docs/architecture.md as an executable table. */
class ArchitectureTest {
    private static final String ROOT = "dev.tandem.core.";
    private static final int MAX_TYPES = 20;

    /** Package to the packages it may use; a package that is not a key fails the build. */
    private static final Map<String, Set<String>> MAY_USE = Map.ofEntries(
            entry("failure", Set.of()),
            entry("time", Set.of()),
            entry("request", Set.of("time")),
            entry("fleet", Set.of("failure", "time")),
            entry("prefix", Set.of("request", "fleet", "time")),
            entry("routing", Set.of("fleet", "prefix", "failure", "request", "time")),
            entry("disagg", Set.of("fleet", "request", "failure")),
            entry("retry", Set.of("failure", "fleet", "disagg")),
            entry("lifecycle", Set.of("failure", "time", "request", "fleet", "prefix", "routing", "disagg", "retry")));

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.tandem.core");

    @Test
    void coreUsesOnlyTheJdkAndJSpecify() {
        classes()
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage("dev.tandem.core..", "java..", "org.jspecify..")
                .check(CLASSES);
    }

    @Test
    void packagesAreFreeOfCycles() {
        slices().matching(ROOT + "(*)..").should().beFreeOfCycles().check(CLASSES);
    }

    @Test
    void everyPackageIsOnTheMap() {
        Set<String> found = CLASSES.stream()
                .map(JavaClass::getPackageName)
                .filter(name -> name.startsWith(ROOT))
                .map(name -> name.substring(ROOT.length()).replaceFirst("\\..*", ""))
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(found).isEqualTo(new TreeSet<>(MAY_USE.keySet()));
    }

    @TestFactory
    Stream<DynamicTest> packagesUseOnlyTheirAllowedNeighbours() {
        return MAY_USE.keySet().stream().sorted().map(from -> DynamicTest.dynamicTest(from, () -> checkArrows(from)));
    }

    @Test
    void packagesStaySmall() {
        Map<String, Long> types = CLASSES.stream()
                .filter(type -> type.isTopLevelClass() && !type.getSimpleName().equals("package-info"))
                .collect(Collectors.groupingBy(JavaClass::getPackageName, Collectors.counting()));
        assertThat(types).isNotEmpty();
        assertThat(types).allSatisfy((name, count) -> assertThat(count).as(name).isLessThanOrEqualTo(MAX_TYPES));
    }

    @Test
    void namesSayTheJob() {
        noClasses()
                .should()
                .haveNameMatching(".*(Utils?|Helper|Manager|Impl|Base)")
                .check(CLASSES);
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
                .check(CLASSES);
    }

    @Test
    void nothingReadsTheEnvironmentOrTheConsole() {
        noClasses().should().callMethod(System.class, "getenv", String.class).check(CLASSES);
        noClasses()
                .should()
                .callMethod(System.class, "getProperty", String.class)
                .check(CLASSES);
        GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS.check(CLASSES);
    }

    private static void checkArrows(String from) {
        String[] forbidden = MAY_USE.keySet().stream()
                .filter(to -> !to.equals(from)
                        && !MAY_USE.getOrDefault(from, Set.of()).contains(to))
                .map(to -> ROOT + to + "..")
                .toArray(String[]::new);
        if (forbidden.length > 0) {
            noClasses()
                    .that()
                    .resideInAPackage(ROOT + from + "..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(forbidden)
                    .allowEmptyShould(true)
                    .check(CLASSES);
        }
    }
}
