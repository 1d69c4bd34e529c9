// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
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
    private static final String ROOT = "dev.tandem.gateway.";
    private static final int MAX_TYPES = 20;

    /** Package to the packages it may use; a package that is not a key fails the build. */
    private static final Map<String, Set<String>> MAY_USE = Map.ofEntries(
            entry("body", Set.of()),
            entry("admission", Set.of()),
            entry("exchange", Set.of("body")),
            entry("pipeline", Set.of("admission", "exchange", "body")),
            entry("api", Set.of("pipeline", "exchange", "body", "ops")),
            entry("edge", Set.of()),
            entry("fleet", Set.of()),
            entry("telemetry", Set.of()),
            entry("ops", Set.of()),
            entry(
                    "config",
                    Set.of("body", "admission", "exchange", "pipeline", "api", "edge", "fleet", "telemetry", "ops")));

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.tandem.gateway");

    @Test
    void packagesAreFreeOfCycles() {
        slices().matching(ROOT + "(*)..").should().beFreeOfCycles().check(CLASSES);
    }

    @Test
    void everyPackageIsOnTheMapAndSmall() {
        Map<String, Long> sizes = CLASSES.stream()
                .filter(type -> type.getPackageName().startsWith(ROOT) && type.isTopLevelClass())
                .filter(type -> !type.getSimpleName().equals("package-info"))
                .collect(Collectors.groupingBy(
                        type -> type.getPackageName().substring(ROOT.length()), Collectors.counting()));

        assertThat(new TreeSet<>(sizes.keySet())).isEqualTo(new TreeSet<>(MAY_USE.keySet()));
        assertThat(sizes).allSatisfy((name, size) -> assertThat(size).isLessThanOrEqualTo(MAX_TYPES));
    }

    @TestFactory
    Stream<DynamicTest> packagesUseOnlyTheirAllowedNeighbours() {
        return MAY_USE.keySet().stream()
                .sorted()
                .map(from -> DynamicTest.dynamicTest(from, () -> {
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
                                .check(CLASSES);
                    }
                }));
    }

    @Test
    void onlyConfigKnowsTheSimulator() {
        noClasses()
                .that(resideInAPackage("dev.tandem.gateway..")
                        .and(JavaClass.Predicates.resideOutsideOfPackage(ROOT + "config..")))
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.tandem.simulator..")
                .check(CLASSES);
    }

    /** {@code Peek} is an operator: it subscribes for whoever subscribes to it. */
    @Test
    void nobodyBlocksOrSubscribesInTheRequestPath() {
        noClasses()
                .that()
                .resideInAnyPackage(
                        ROOT + "api..", ROOT + "body..", ROOT + "admission..", ROOT + "exchange..", ROOT + "pipeline..")
                .and()
                .haveNameNotMatching(".*\\.Peek")
                .should()
                .callMethodWhere(com.tngtech.archunit.core.domain.JavaCall.Predicates.target(
                                com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching(
                                        "block|blockFirst|blockLast|blockOptional|subscribe"))
                        .and(com.tngtech.archunit.core.domain.JavaCall.Predicates.target(
                                com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner(
                                        resideInAPackage("reactor.core.publisher..")))))
                .check(CLASSES);
    }

    @Test
    void nobodyReadsTheEnvironmentOrTheWallClock() {
        noClasses()
                .that()
                .resideOutsideOfPackages(ROOT + "config..", "dev.tandem.gateway")
                .should()
                .callMethod(System.class, "getenv")
                .orShould()
                .callMethod(System.class, "getenv", String.class)
                .orShould()
                .callMethod(System.class, "getProperty", String.class)
                .orShould()
                .callMethod(System.class, "currentTimeMillis")
                .orShould()
                .callMethod(Thread.class, "sleep", long.class)
                .check(CLASSES);
    }

    @Test
    void usualSins() {
        GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS.check(CLASSES);
        GeneralCodingRules.NO_CLASSES_SHOULD_USE_JAVA_UTIL_LOGGING.check(CLASSES);
        GeneralCodingRules.NO_CLASSES_SHOULD_USE_FIELD_INJECTION.check(CLASSES);
        noClasses()
                .should()
                .haveNameMatching(".*(Util|Utils|Helper|Manager|Impl|Base)")
                .check(CLASSES);
        classes()
                .that()
                .resideInAPackage(ROOT + "config..")
                .should()
                .onlyBeAccessed()
                .byAnyPackage(ROOT + "config..")
                .check(CLASSES);
    }
}
