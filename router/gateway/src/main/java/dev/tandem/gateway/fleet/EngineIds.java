// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import dev.tandem.core.disagg.KvConnector.EngineIdSource;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.Worker;
import dev.tandem.gateway.fleet.HttpProbe.Probed;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Finds out the ids by which other engines know a prefill engine. Thread-safe.
 *
 * <p>A Mooncake engine tells on its bootstrap server, {@code GET /query}, by data parallel rank; that costs little and
 * is asked with every probe, since a restarted engine has another id. A NIXL engine tells in the answer to a prefill
 * leg, which costs one token; it is asked when it has come up, when its metrics show another time of its start, behind
 * a hand-over that has failed, and at every tenth probe, in case that its metrics show none. Source: vLLM main of
 * 2026-08-17; metrics: vLLM 0.32.0, recorded 2026-11-21.
 */
final class EngineIds {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final int PROBES_PER_ID = 10;
    private static final String STARTED = "process_start_time_seconds ";

    private final ProbeClient engines;
    private final Map<Worker, Told> told = new ConcurrentHashMap<>();

    EngineIds(ProbeClient engines) {
        this.engines = engines;
    }

    /** Returns where the engine is reached and by which id; the declared address if it does not say. */
    Mono<EngineFacts> complete(Probed probed, EngineIdSource source, EngineFacts facts) {
        return switch (source) {
            case NOT_NEEDED -> Mono.just(facts);
            case BOOTSTRAP_SERVER -> ofBootstrapServer(probed.worker(), facts);
            case PREFILL_ANSWER -> ofPrefillAnswer(probed, facts);
        };
    }

    /** The worker did not answer: another engine may come back in its place. */
    void forget(Worker worker) {
        told.remove(worker);
    }

    /** A hand-over from the worker has failed: another engine may be in its place. */
    void doubt(String workerId) {
        told.keySet().removeIf(worker -> worker.id().equals(workerId));
    }

    private Mono<EngineFacts> ofBootstrapServer(Worker worker, EngineFacts facts) {
        KvAddress kv = facts.kv();
        if (kv == null) {
            return Mono.just(facts);
        }
        URI query = URI.create("http://" + kv.hostAndPort() + "/query");
        return engines.get(worker, query.toString(), "bootstrap server", null)
                .map(body -> facts.at(kv.withEngineId(engineIdOf(body, worker.portOffset()))));
    }

    private static String engineIdOf(byte[] body, int rank) {
        try {
            String id = JSON.readTree(body)
                    .path(Integer.toString(rank))
                    .path("engine_id")
                    .asString("");
            if (!id.isEmpty()) {
                return id;
            }
        } catch (JacksonException notJson) {
            throw new ProbeFailure("bootstrap server: not JSON");
        }
        throw new ProbeFailure("bootstrap server: no engine has registered yet");
    }

    private Mono<EngineFacts> ofPrefillAnswer(Probed probed, EngineFacts facts) {
        KvAddress declared = facts.kv();
        if (declared != null && declared.engineId() != null) {
            return Mono.just(facts);
        }
        return started(probed)
                .flatMap(started -> address(probed, declared, started))
                .map(facts::at);
    }

    private Mono<KvAddress> address(Probed probed, @Nullable KvAddress declared, String started) {
        Told before = told.get(probed.worker());
        if (before != null && before.holds(started)) {
            return Mono.just(before.address());
        }
        return NixlAnswer.ask(engines, probed)
                .map(answer -> answer.address(declared, probed.worker().portOffset()))
                .doOnNext(address -> told.put(probed.worker(), new Told(address, started, new AtomicInteger())));
    }

    /** Returns when the engine was started, as its metrics write it; empty if they do not tell. */
    private Mono<String> started(Probed probed) {
        return engines.get(probed.worker(), "/metrics", "metrics", probed.apiKey())
                .map(body -> new String(body, StandardCharsets.UTF_8)
                        .lines()
                        .filter(line -> line.startsWith(STARTED))
                        .findFirst()
                        .orElse(""))
                .onErrorReturn("");
    }

    /** What an engine has said, when it was started, and how many probes ago it said so. */
    private record Told(KvAddress address, String started, AtomicInteger probes) {
        /** Whether it need not be asked again, to be found out once for each probe. */
        private boolean holds(String startedNow) {
            return probes.incrementAndGet() % PROBES_PER_ID != 0 && started.equals(startedNow);
        }
    }
}
