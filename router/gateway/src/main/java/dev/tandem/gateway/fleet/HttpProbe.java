// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import dev.tandem.core.disagg.KvConnector.EngineIdSource;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.Probe;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.health.ForwardProgress;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.OptionalDouble;
import java.util.Set;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.netty.resources.ConnectionProvider;

/**
 * One probe over HTTP: {@code GET /health} must answer 200, then {@code GET /v1/models} must list a model; what else
 * the engine tells of itself is welcome. Thread-safe.
 *
 * <p>GET, since vLLM answers HEAD with 405. The API key goes to {@code /v1/models} and beyond, since vLLM guards no
 * other path of a probe with it. Source: vLLM 0.32, 2026-11-21.
 */
final class HttpProbe {
    private final ProbeClient engines;
    private final EngineInspector inspector;
    private final EngineVersions versions;
    private final EngineIds ids;
    private final ProbeTargets targets;
    private final Duration patience;

    /**
     * Makes a probe.
     *
     * @param settings how long an answer may take; an engine of which nothing comes for a beat is asked what it does
     */
    HttpProbe(ConnectionProvider connections, ProbeSettings settings, ProbeTargets targets) {
        this.engines = new ProbeClient(connections, settings.timeout());
        this.patience = settings.interval();
        this.inspector = new EngineInspector(engines);
        this.versions = new EngineVersions(engines);
        this.ids = new EngineIds(engines);
        this.targets = targets;
    }

    /** Probes a worker; the Mono always has a result and never fails. */
    Mono<Probe> probe(Worker worker) {
        if (targets.down().test(worker)) {
            forget(worker);
        }
        String apiKey = targets.apiKeys().apply(worker);
        return engines.get(worker, "/health", "health", null)
                .then(engines.get(worker, "/v1/models", "models", apiKey))
                .map(ModelList::read)
                .flatMap(models -> healthy(worker, models, apiKey))
                .flatMap(healthy -> workAt(worker, apiKey).thenReturn(healthy))
                .onErrorResume(error -> {
                    forget(worker);
                    return Mono.just(new Probe.Unhealthy(reason(error)));
                });
    }

    /** A hand-over from the worker has failed: the next probe asks its engine who it is. */
    void doubt(String workerId) {
        ids.doubt(workerId);
    }

    private void forget(Worker worker) {
        inspector.forget(worker);
        versions.forget(worker);
        ids.forget(worker);
    }

    private Mono<Probe> healthy(Worker worker, ModelList models, @Nullable String apiKey) {
        EngineFacts declared = targets.declared().apply(worker);
        Probed probed = new Probed(worker, models.names().iterator().next(), apiKey);
        return inspector
                .inspect(probed, declared.connector() != null)
                .map(facts -> facts.declaredAs(declared))
                .flatMap(facts -> versions.complete(worker, facts, apiKey))
                .flatMap(facts -> ids.complete(probed, idSource(worker, facts), facts))
                .map(facts -> ready(worker, models.names(), facts.taking(models.contextTokens())));
    }

    /** Asks an engine for which somebody waits and of which nothing comes whether it does anything. */
    private Mono<Void> workAt(Worker worker, @Nullable String apiKey) {
        ForwardProgress progress = targets.progresses().apply(worker);
        if (!progress.unsure(patience)) {
            return Mono.empty();
        }
        return engines.get(worker, "/metrics", "metrics", apiKey)
                .map(body -> new LoadMetrics(new String(body, StandardCharsets.UTF_8)).done(worker.rank()))
                .onErrorReturn(OptionalDouble.empty())
                .doOnNext(done -> done.ifPresentOrElse(progress::onDone, progress::onUntold))
                .then();
    }

    private EngineIdSource idSource(Worker worker, EngineFacts facts) {
        return worker.role() == Role.PREFILL
                ? targets.connectors().of(facts).engineIdSource()
                : EngineIdSource.NOT_NEEDED;
    }

    /** An engine that others could not find is not up. */
    private Probe ready(Worker worker, Set<String> models, EngineFacts facts) {
        String lack = targets.connectors().lacks(worker.role(), facts);
        return lack == null ? new Probe.Healthy(models, facts) : new Probe.Unhealthy(lack);
    }

    /** Returns what an error means, in words that are safe to show. */
    static String reason(Throwable error) {
        if (error instanceof ProbeFailure failure) {
            return failure.reason();
        }
        if (error instanceof UnknownHostException) {
            return "unknown host";
        }
        if (error instanceof ConnectException) {
            return "connect refused";
        }
        if (error instanceof NoRouteToHostException) {
            return "no route to host";
        }
        if (error instanceof SSLException) {
            return "tls failed";
        }
        return error instanceof IOException
                ? "connection lost"
                : "probe failed: " + error.getClass().getSimpleName();
    }

    /**
     * An engine that has passed its probe and is asked for more. Immutable.
     *
     * @param worker whose engine
     * @param model a model that it serves
     * @param apiKey its key, or null
     */
    record Probed(Worker worker, String model, @Nullable String apiKey) {}
}
