// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.EngineVersion;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.gateway.fleet.HttpProbe.Probed;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * Finds out what an engine is and which hand-over protocol it speaks. Thread-safe.
 *
 * <p>{@code llama-server} tells its slots on {@code /props}, and whether it saves them by how it refuses a file name
 * that can not be one: 400 when it does, 501 when it was started without {@code --slot-save-path}. Of others the
 * settings are asked for, which SGLang always tells and vLLM in its development mode; else vLLM's metrics show what
 * they can, and a prefill engine whose metrics are NIXL's says in the answer to a prefill leg which of the two
 * protocols it speaks. No other engine gets a request: one that it does not understand could end it. Source: llama.cpp
 * b11669 and vLLM 0.32.0, recorded 2026-11-21; see {@link ServerInfo} and {@link EngineMetrics}.
 */
final class EngineInspector {
    private static final Logger LOG = LoggerFactory.getLogger(EngineInspector.class);
    private static final String NO_FILE = "{\"filename\":\"../none\"}";

    private final ProbeClient engines;
    private final Map<Worker, EngineFacts> known = new ConcurrentHashMap<>();
    private final Map<Worker, Spoken> told = new ConcurrentHashMap<>();
    /** Decode engines that speak one of NIXL's protocols; which one, the prefill engines say. */
    private final Map<Worker, Spoken> followers = new ConcurrentHashMap<>();

    private final TransferModes modes = new TransferModes();

    EngineInspector(ProbeClient engines) {
        this.engines = engines;
    }

    /**
     * Returns what an engine that has just passed its probe says of itself; never fails.
     *
     * @param probed whom to ask
     * @param named whether the operator has named its connector, so that nobody needs to hear what it shows
     */
    Mono<EngineFacts> inspect(Probed probed, boolean named) {
        Worker worker = probed.worker();
        EngineFacts before = known.getOrDefault(worker, EngineFacts.UNKNOWN);
        if (before.connector() != null && before.slots() == 0) {
            return Mono.just(before);
        }
        Spoken either = followers.get(worker);
        if (either != null) {
            return Mono.just(learned(worker, new Finding(modes.of(probed, either), false), !named));
        }
        return engines.get(worker, "/props", "props", probed.apiKey())
                .flatMap(props -> slots(probed, before, props))
                .onErrorResume(noProps -> described(probed, named))
                .onErrorReturn(EngineFacts.UNKNOWN);
    }

    /** The worker did not answer: another engine may come back in its place. */
    void forget(Worker worker) {
        known.remove(worker);
        told.remove(worker);
        followers.remove(worker);
        modes.forget(worker);
    }

    private Mono<EngineFacts> slots(Probed probed, EngineFacts before, byte[] props) {
        int slots = ProbeJson.number(props, "total_slots");
        if (slots < 0) {
            return Mono.error(new ProbeFailure("props: no slots"));
        }
        if (before.slots() == slots) {
            return Mono.just(before);
        }
        EngineVersion version =
                EngineVersions.version(ProbeJson.text(props, "build_info")).orElse(null);
        return engines.post(probed.worker(), "/slots/0?action=restore", NO_FILE, probed.apiKey())
                .map(status -> new EngineFacts(status == 400 ? "llamacpp-slot" : "plain", slots)
                        .running(version)
                        .of(EngineFacts.Kind.LLAMA_SERVER))
                .doOnNext(facts -> known.put(probed.worker(), facts));
    }

    /** What comes too late is asked for again: vLLM collects its settings for seconds the first time. */
    private Mono<EngineFacts> described(Probed probed, boolean named) {
        boolean matters = !named && probed.worker().role() != Role.UNIFIED;
        return shown(probed)
                .flatMap(shown -> matters && shown.spoken().eitherNixl() ? ofNixl(probed, shown) : Mono.just(shown))
                .map(finding -> learned(probed.worker(), finding, matters));
    }

    private Mono<Finding> shown(Probed probed) {
        return engines.get(probed.worker(), "/metrics", "metrics", probed.apiKey())
                .map(body -> EngineMetrics.read(new String(body, StandardCharsets.UTF_8)))
                .onErrorReturn(Optional.empty())
                .flatMap(shown -> settings(probed)
                        .map(settings -> new Finding(settings.or(() -> shown).orElse(Spoken.NOTHING), true))
                        .onErrorResume(
                                error -> Mono.just(new Finding(shown.orElse(Spoken.NOTHING), !comesTooLate(error)))));
    }

    /** A prefill engine of NIXL says in its first prefill answer who moves the blocks; a decode engine is not asked. */
    private Mono<Finding> ofNixl(Probed probed, Finding shown) {
        if (probed.worker().role() == Role.PREFILL) {
            return asked(probed, shown);
        }
        if (shown.last()) {
            followers.put(probed.worker(), shown.spoken());
        }
        return Mono.just(new Finding(modes.of(probed, shown.spoken()), false));
    }

    private Mono<Finding> asked(Probed probed, Finding shown) {
        return NixlAnswer.ask(engines, probed)
                .map(NixlAnswer::transferMode)
                .doOnNext(mode -> modes.note(probed, mode))
                .map(mode -> new Finding(shown.spoken().moving(mode), shown.last()))
                .onErrorResume(error -> Mono.just(new Finding(shown.spoken(), shown.last() && !comesTooLate(error))));
    }

    private static boolean comesTooLate(Throwable error) {
        return error instanceof ProbeFailure failure && failure.late();
    }

    private Mono<Optional<Spoken>> settings(Probed probed) {
        return engines.get(probed.worker(), "/server_info?config_format=json", "server info", probed.apiKey())
                .map(body -> ServerInfo.read(probed.worker(), body));
    }

    private EngineFacts learned(Worker worker, Finding finding, boolean matters) {
        Spoken spoken = finding.spoken();
        if (!spoken.equals(told.put(worker, spoken)) && matters) {
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
