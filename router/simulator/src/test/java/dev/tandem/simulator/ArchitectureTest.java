// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static java.util.Map.entry;

import dev.tandem.core.PackageRules;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The package map of the simulator as an executable table. */
class ArchitectureTest extends PackageRules {
    private static final String ROOT = "dev.tandem.simulator.";

    private static final Map<String, Set<String>> MAY_USE = Map.ofEntries(
            entry("text", Set.of()),
            entry("store", Set.of("text")),
            entry("engine", Set.of("text", "store")),
            entry("wire", Set.of("text", "engine")),
            entry("generate", Set.of("text", "engine", "wire")),
            entry("transfer", Set.of("store", "engine", "wire", "generate")),
            entry("meeting", Set.of("engine", "generate", "transfer")),
            entry("mooncake", Set.of("store", "engine", "wire", "generate", "transfer", "meeting")),
            entry("offload", Set.of("store", "engine", "generate", "transfer", "meeting")),
            entry("sglang", Set.of("text", "store", "engine", "wire", "generate", "transfer", "meeting")),
            entry("ascend", Set.of("store", "engine", "wire", "generate", "transfer", "meeting")),
            entry("nixl", Set.of("text", "store", "engine", "wire", "generate", "transfer", "meeting")),
            entry(
                    "http",
                    Set.of(
                            "text",
                            "store",
                            "engine",
                            "wire",
                            "generate",
                            "transfer",
                            "nixl",
                            "mooncake",
                            "offload",
                            "sglang",
                            "ascend")),
            entry("llama", Set.of("text", "engine", "wire", "http")));

    ArchitectureTest() {
        super(ROOT, MAY_USE);
    }

    @Test
    void onlyTheHttpFacesKnowTheNetwork() {
        noClasses()
                .that()
                .resideOutsideOfPackages(ROOT + "http..", ROOT + "llama..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("reactor..", "io.netty..")
                .check(classes);
    }

    @Test
    void nothingDependsOnSpring() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.springframework..")
                .check(classes);
    }
}
