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
            entry("notice", Set.of()),
            entry("transfer", Set.of("store", "engine", "wire", "generate", "notice")),
            entry("strict", Set.of("transfer")),
            entry("peer", Set.of("engine", "generate", "transfer")),
            entry("meeting", Set.of("engine", "generate", "transfer", "peer")),
            entry("ascend", Set.of("store", "engine", "wire", "generate", "transfer", "strict", "peer")),
            entry("lmcache", Set.of("store", "engine", "wire", "generate", "transfer", "strict", "peer", "notice")),
            entry("mooncake", Set.of("store", "engine", "wire", "generate", "transfer", "strict", "peer", "meeting")),
            entry(
                    "moriio",
                    Set.of("text", "store", "engine", "wire", "generate", "transfer", "strict", "peer", "notice")),
            entry(
                    "nixl",
                    Set.of("text", "store", "engine", "wire", "generate", "transfer", "strict", "peer", "meeting")),
            entry("offload", Set.of("store", "engine", "generate", "transfer", "strict", "peer", "meeting")),
            entry("p2pnccl", Set.of("store", "engine", "wire", "generate", "transfer", "strict", "peer", "notice")),
            entry("sglang", Set.of("text", "store", "engine", "wire", "generate", "transfer", "peer", "meeting")),
            entry(
                    "http",
                    Set.of(
                            "text",
                            "store",
                            "engine",
                            "wire",
                            "generate",
                            "transfer",
                            "notice",
                            "ascend",
                            "lmcache",
                            "mooncake",
                            "moriio",
                            "nixl",
                            "offload",
                            "p2pnccl",
                            "sglang")),
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
