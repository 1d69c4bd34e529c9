// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.EngineVersion;
import dev.tandem.core.fleet.Worker;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Finds out the version of an engine, once each time it comes up: {@code GET /version}, as vLLM answers it. Another
 * engine answers 404, and its version stays unknown. Thread-safe. Source: vLLM 0.32.0, recorded 2026-11-21.
 */
final class EngineVersions {
    private final ProbeClient engines;
    private final Map<Worker, Optional<EngineVersion>> told = new ConcurrentHashMap<>();

    EngineVersions(ProbeClient engines) {
        this.engines = engines;
    }

    /** Returns the facts with the version, if the engine tells one; never fails. */
    Mono<EngineFacts> complete(Worker worker, EngineFacts facts, @Nullable String apiKey) {
        if (facts.version() != null) {
            return Mono.just(facts);
        }
        Optional<EngineVersion> before = told.get(worker);
        if (before != null) {
            return Mono.just(facts.running(before.orElse(null)));
        }
        return engines.get(worker, "/version", "version", apiKey)
                .map(EngineVersions::read)
                .onErrorReturn(ProbeFailure.class, Optional.empty())
                .doOnNext(version -> told.put(worker, version))
                .map(version -> facts.running(version.orElse(null)))
                .onErrorReturn(facts);
    }

    /** The worker did not answer: another engine may come back in its place. */
    void forget(Worker worker) {
        told.remove(worker);
    }

    private static Optional<EngineVersion> read(byte[] body) {
        return version(ProbeJson.text(body, "version"));
    }

    /** Returns the version of that text, if it can be one. */
    static Optional<EngineVersion> version(@Nullable String text) {
        try {
            return Optional.ofNullable(text).map(EngineVersion::new);
        } catch (IllegalArgumentException noVersion) {
            return Optional.empty();
        }
    }
}
