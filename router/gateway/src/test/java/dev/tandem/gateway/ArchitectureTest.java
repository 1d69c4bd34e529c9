// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static java.util.Map.entry;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.library.GeneralCodingRules;
import dev.tandem.core.PackageRules;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The package map of docs/architecture.md as an executable table. */
class ArchitectureTest extends PackageRules {
    private static final String ROOT = "dev.tandem.gateway.";

    private static final Map<String, Set<String>> MAY_USE = Map.ofEntries(
            entry("body", Set.of()),
            entry("admission", Set.of()),
            entry("answer", Set.of()),
            entry("exchange", Set.of("answer", "body", "handover", "turn")),
            entry("handover", Set.of()),
            entry("resume", Set.of("answer", "body")),
            entry("turn", Set.of("answer", "body")),
            entry("pipeline", Set.of("admission", "answer", "exchange", "body", "resume", "turn")),
            entry("api", Set.of("admission", "pipeline", "answer", "body", "turn", "ops")),
            entry("trial", Set.of("answer", "body", "exchange")),
            entry("edge", Set.of()),
            entry("fleet", Set.of()),
            entry("telemetry", Set.of()),
            entry("ops", Set.of()),
            entry(
                    "config",
                    Set.of(
                            "body",
                            "admission",
                            "answer",
                            "exchange",
                            "handover",
                            "pipeline",
                            "resume",
                            "api",
                            "edge",
                            "fleet",
                            "telemetry",
                            "trial",
                            "turn",
                            "ops")));

    ArchitectureTest() {
        super(ROOT, MAY_USE);
    }

    @Test
    void onlyConfigKnowsTheSimulator() {
        noClasses()
                .that(resideInAPackage("dev.tandem.gateway..")
                        .and(JavaClass.Predicates.resideOutsideOfPackage(ROOT + "config..")))
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.tandem.simulator..")
                .check(classes);
    }

    /**
     * {@code Peek} and {@code EngineBody} subscribe for whoever subscribes to them; what {@code Drains} runs belongs to
     * no request any more.
     */
    @Test
    void nobodyBlocksOrSubscribesInTheRequestPath() {
        noClasses()
                .that()
                .resideInAnyPackage(
                        ROOT + "api..",
                        ROOT + "body..",
                        ROOT + "admission..",
                        ROOT + "answer..",
                        ROOT + "exchange..",
                        ROOT + "handover..",
                        ROOT + "pipeline..",
                        ROOT + "resume..",
                        ROOT + "turn..")
                .and()
                .haveNameNotMatching(".*\\.(Peek|Drains|EngineBody|EngineClient)")
                .should()
                .callMethodWhere(com.tngtech.archunit.core.domain.JavaCall.Predicates.target(
                                com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching(
                                        "block|blockFirst|blockLast|blockOptional|subscribe"))
                        .and(com.tngtech.archunit.core.domain.JavaCall.Predicates.target(
                                com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner(
                                        resideInAPackage("reactor.core.publisher..")))))
                .check(classes);
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
                .check(classes);
    }

    @Test
    void usualSins() {
        GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS.check(classes);
        GeneralCodingRules.NO_CLASSES_SHOULD_USE_JAVA_UTIL_LOGGING.check(classes);
        GeneralCodingRules.NO_CLASSES_SHOULD_USE_FIELD_INJECTION.check(classes);
        classes()
                .that()
                .resideInAPackage(ROOT + "config..")
                .should()
                .onlyBeAccessed()
                .byAnyPackage(ROOT + "config..")
                .check(classes);
    }
}
