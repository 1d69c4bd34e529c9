// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.EngineVersion;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * Finds out what an engine is and which hand-over protocol it speaks, without running a request on it. Thread-safe.
 *
 * <p>{@code llama-server} tells its slots on {@code /props}, and whether it saves them by how it refuses a file name
 * that can not be one: 400 when it does, 501 when it was started without {@code --slot-save-path}. Of others the
 * settings are asked for, which SGLang always tells and vLLM in its development mode; else vLLM's metrics show what
 * they can. Source: llama.cpp b11669 and vLLM 0.32.0, recorded 2026-11-21; see {@link ServerInfo} and
 * {@link EngineMetrics}.
 */
final class EngineInspector {
    private static final Logger LOG = LoggerFactory.getLogger(EngineInspector.class);
    private static final String NO_FILE = "{\"filename\":\"../none\"}";

    private final ProbeClient engines;
    private final Map<Worker, EngineFacts> known = new ConcurrentHashMap<>();
    private final Map<Worker, Spoken> told = new ConcurrentHashMap<>();

    EngineInspector(ProbeClient engines) {
        this.engines = engines;
    }

    /**
     * Returns what an engine that has just passed its probe says of itself; never fails.
     *
     * @param named whether the operator has named its connector, so that nobody needs to hear what it shows
     */
    Mono<EngineFacts> inspect(Worker worker, @Nullable String apiKey, boolean named) {
        EngineFacts before = known.getOrDefault(worker, EngineFacts.UNKNOWN);
        if (before.connector() != null && before.slots() == 0) {
            return Mono.just(before);
        }
        return engines.get(worker, "/props", "props", apiKey)
                .flatMap(props -> slots(worker, apiKey, before, props))
                .onErrorResume(noProps -> described(worker, apiKey, named))
                .onErrorReturn(EngineFacts.UNKNOWN);
    }

    /** The worker did not answer: another engine may come back in its place. */
    void forget(Worker worker) {
        known.remove(worker);
        told.remove(worker);
    }

    private Mono<EngineFacts> slots(Worker worker, @Nullable String apiKey, EngineFacts before, byte[] props) {
        int slots = ProbeJson.number(props, "total_slots");
        if (slots < 0) {
            return Mono.error(new ProbeFailure("props: no slots"));
        }
        if (before.slots() == slots) {
            return Mono.just(before);
        }
        EngineVersion version =
                EngineVersions.version(ProbeJson.text(props, "build_info")).orElse(null);
        return engines.post(worker, "/slots/0?action=restore", NO_FILE, apiKey)
                .map(status -> new EngineFacts(status == 400 ? "llamacpp-slot" : "plain", slots)
                        .running(version)
                        .of(EngineFacts.Kind.LLAMA_SERVER))
                .doOnNext(facts -> known.put(worker, facts));
    }

    /** Settings that come too late are asked for again: vLLM collects them for seconds the first time. */
    private Mono<EngineFacts> described(Worker worker, @Nullable String apiKey, boolean named) {
        return engines.get(worker, "/metrics", "metrics", apiKey)
                .map(body -> EngineMetrics.read(new String(body, StandardCharsets.UTF_8)))
                .onErrorReturn(Optional.empty())
                .flatMap(shown -> settings(worker, apiKey)
                        .map(settings -> new Finding(settings.or(() -> shown).orElse(Spoken.NOTHING), true))
                        .onErrorResume(error -> Mono.just(new Finding(
                                shown.orElse(Spoken.NOTHING), !(error instanceof ProbeFailure late) || !late.late()))))
                .map(finding -> learned(worker, finding, named));
    }

    private Mono<Optional<Spoken>> settings(Worker worker, @Nullable String apiKey) {
        return engines.get(worker, "/server_info?config_format=json", "server info", apiKey)
                .map(body -> ServerInfo.read(worker, body));
    }

    private EngineFacts learned(Worker worker, Finding finding, boolean named) {
        Spoken spoken = finding.spoken();
        if (!spoken.equals(told.put(worker, spoken)) && !named && worker.role() != Role.UNIFIED) {
            log(worker, spoken);
        }
        EngineFacts facts = new EngineFacts(spoken.connector(), 0, spoken.address()).of(spoken.kind());
        if (finding.last()) {
            known.put(worker, facts);
        }
        return facts;
    }

    private static void log(Worker worker, Spoken spoken) {
        if (spoken.connector() == null) {
            LOG.warn(
                    "the hand-over protocol of an engine is not known, name it in the connector of its worker"
                            + " worker={} seen=\"{}\" choices={}",
                    worker.id(),
                    spoken.seen(),
                    spoken.choices());
        } else {
            LOG.info(
                    "hand-over protocol found worker={} connector={} seen=\"{}\" name-it-if-one-of={}",
                    worker.id(),
                    spoken.connector(),
                    spoken.seen(),
                    spoken.choices());
        }
    }

    /**
     * What came of asking.
     *
     * @param spoken what the engine shows
     * @param last whether it shows no more when it is asked again
     */
    private record Finding(Spoken spoken, boolean last) {}
}
