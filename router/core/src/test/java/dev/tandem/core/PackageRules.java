// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
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
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** What every module keeps to: its package map, small packages, names that say the job. */
@TestInstance(Lifecycle.PER_CLASS)
public abstract class PackageRules {
    private static final int MOST_TYPES = 20;

    private final String root;
    private final Map<String, Set<String>> mayUse;

    /** The classes of the module, without its tests. */
    protected final JavaClasses classes;

    /**
     * Reads the classes of a module.
     *
     * @param root package of the module, with a dot at its end
     * @param mayUse package to the packages it may use; a package that is not a key fails the build
     */
    protected PackageRules(String root, Map<String, Set<String>> mayUse) {
        this.root = root;
        this.mayUse = mayUse;
        this.classes = new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .importPackages(root.substring(0, root.length() - 1));
    }

    @Test
    void packagesAreFreeOfCycles() {
        slices().matching(root + "(*)..").should().beFreeOfCycles().check(classes);
    }

    @Test
    void everyPackageIsOnTheMap() {
        Set<String> found = classes.stream()
                .map(JavaClass::getPackageName)
                .filter(name -> name.startsWith(root))
                .map(name -> name.substring(root.length()).replaceFirst("\\..*", ""))
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(found).isEqualTo(new TreeSet<>(mayUse.keySet()));
    }

    @TestFactory
    Stream<DynamicTest> packagesUseOnlyTheirAllowedNeighbours() {
        return mayUse.keySet().stream().sorted().map(from -> DynamicTest.dynamicTest(from, () -> checkArrows(from)));
    }

    @Test
    void packagesStaySmall() {
        Map<String, Long> types = classes.stream()
                .filter(type -> type.isTopLevelClass() && !type.getSimpleName().equals("package-info"))
                .collect(Collectors.groupingBy(JavaClass::getPackageName, Collectors.counting()));
        assertThat(types)
                .isNotEmpty()
                .allSatisfy((name, count) -> assertThat(count).as(name).isLessThanOrEqualTo(MOST_TYPES));
    }

    @Test
    void namesSayTheJob() {
        noClasses()
                .should()
                .haveNameMatching(".*(Utils?|Helper|Manager|Impl|Base)")
                .check(classes);
    }

    private void checkArrows(String from) {
        String[] forbidden = mayUse.keySet().stream()
                .filter(to ->
                        !to.equals(from) && !mayUse.getOrDefault(from, Set.of()).contains(to))
                .map(to -> root + to + "..")
                .toArray(String[]::new);
        if (forbidden.length > 0) {
            noClasses()
                    .that()
                    .resideInAPackage(root + from + "..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(forbidden)
                    .allowEmptyShould(true)
                    .check(classes);
        }
    }
}
