// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The package map of the simulator as an executable table. */
class ArchitectureTest {
    private static final String ROOT = "dev.tandem.simulator.";
    private static final int MOST_TYPES = 20;

    /** Package to the packages it may use; a package that is not a key fails the build. */
    private static final Map<String, Set<String>> MAY_USE = Map.ofEntries(
            entry("text", Set.of()),
            entry("store", Set.of("text")),
            entry("engine", Set.of("text", "store")),
            entry("wire", Set.of("text", "engine")),
            entry("generate", Set.of("text", "engine", "wire")),
            entry("nixl", Set.of("text", "engine", "wire", "generate")),
            entry("http", Set.of("text", "store", "engine", "wire", "generate", "nixl")),
            entry("llama", Set.of("text", "engine", "wire", "http")));

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.tandem.simulator");

    @Test
    void packagesAreFreeOfCycles() {
        slices().matching(ROOT + "(*)..").should().beFreeOfCycles().check(CLASSES);
    }

    @Test
    void everyPackageIsOnTheMap() {
        Set<String> found = CLASSES.stream()
                .map(JavaClass::getPackageName)
                .filter(name -> name.startsWith(ROOT))
                .map(name -> name.substring(ROOT.length()))
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(found).isEqualTo(new TreeSet<>(MAY_USE.keySet()));
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
    void onlyTheHttpFacesKnowTheNetwork() {
        noClasses()
                .that()
                .resideOutsideOfPackages(ROOT + "http..", ROOT + "llama..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("reactor..", "io.netty..")
                .check(CLASSES);
    }

    @Test
    void nothingDependsOnSpring() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.springframework..")
                .check(CLASSES);
    }

    @Test
    void packagesStaySmall() {
        Map<String, Long> types = CLASSES.stream()
                .filter(type -> !type.isNestedClass() && !type.getSimpleName().equals("package-info"))
                .collect(Collectors.groupingBy(JavaClass::getPackageName, Collectors.counting()));
        assertThat(types)
                .isNotEmpty()
                .allSatisfy((name, count) -> assertThat(count).as(name).isLessThanOrEqualTo(MOST_TYPES));
    }
}
