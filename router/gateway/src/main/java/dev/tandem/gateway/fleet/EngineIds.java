// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import dev.tandem.core.disagg.KvConnector.EngineIdSource;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.KvAddress.Parallel;
import dev.tandem.core.fleet.Worker;
import java.net.URI;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Finds out the ids by which other engines know a prefill engine. Thread-safe.
 *
 * <p>A Mooncake engine tells on its bootstrap server, {@code GET /query}, by data parallel rank; that costs little and
 * is asked with every probe, since a restarted engine has another id. A NIXL engine tells in the answer to a prefill
 * leg, which costs one token; it is asked when it has come up, and at every tenth probe, in case that it was started
 * again between two. Source: vLLM main of 2026-08-17.
 */
final class EngineIds {
    private static final String PARAMS = "kv_transfer_params";
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final int PROBES_PER_ID = 10;
    /** Read at once: the first use of a mapper takes a lock, and event loops must not wait for it. */
    private static final JsonNode ASK =
            JSON.readTree("{\"do_remote_decode\":true,\"do_remote_prefill\":false,\"remote_engine_id\":null,"
                    + "\"remote_block_ids\":null,\"remote_host\":null,\"remote_port\":null}");

    private final ProbeClient engines;
    private final Map<Worker, Told> told = new ConcurrentHashMap<>();

    EngineIds(ProbeClient engines) {
        this.engines = engines;
    }

    /** Returns where the engine is reached and by which id; the declared address if it does not say. */
    Mono<EngineFacts> complete(Target target, EngineFacts facts) {
        return switch (target.source()) {
            case NOT_NEEDED -> Mono.just(facts);
            case BOOTSTRAP_SERVER -> ofBootstrapServer(target.worker(), facts);
            case PREFILL_ANSWER -> ofPrefillAnswer(target, facts);
        };
    }

    /** The worker did not answer: another engine may come back in its place. */
    void forget(Worker worker) {
        told.remove(worker);
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

    private Mono<EngineFacts> ofPrefillAnswer(Target target, EngineFacts facts) {
        KvAddress declared = facts.kv();
        if (declared != null && declared.engineId() != null) {
            return Mono.just(facts);
        }
        Told before = told.get(target.worker());
        if (before != null && before.probes().incrementAndGet() % PROBES_PER_ID != 0) {
            return Mono.just(facts.at(before.address()));
        }
        return engines.ask(target.worker(), "/v1/completions", leg(target.model()), target.apiKey())
                .map(answer -> addressIn(answer, declared, target.worker().portOffset()))
                .doOnNext(address -> told.put(target.worker(), new Told(address, new AtomicInteger())))
                .map(facts::at);
    }

    private static String leg(String model) {
        return JSON.createObjectNode()
                .put("model", model)
                .put("prompt", "tandem")
                .put("max_tokens", 1)
                .put("stream", false)
                .set(PARAMS, ASK)
                .toString();
    }

    /** The port in an answer is that of the rank; an address has the first one. */
    private static KvAddress addressIn(byte[] answer, @Nullable KvAddress declared, int portOffset) {
        try {
            JsonNode params = JSON.readTree(answer).path(PARAMS);
            Parallel parallel = new Parallel(
                    params.path("tp_size").asInt(1), params.path("pp_size").asInt(1), 1);
            KvAddress address = new KvAddress(
                    params.path("remote_host").asString(""),
                    params.path("remote_port").asInt(0) - portOffset,
                    0,
                    null,
                    parallel);
            String id = params.path("remote_engine_id").asString("");
            if (!id.isEmpty()) {
                return (declared == null ? address : declared).withEngineId(id);
            }
        } catch (JacksonException | IllegalArgumentException unreadable) {
            throw new ProbeFailure("prefill leg: " + PARAMS + " cannot be read");
        }
        throw new ProbeFailure("prefill leg: " + PARAMS + " names no engine");
    }

    /** What an engine has said, and how many probes ago. */
    private record Told(KvAddress address, AtomicInteger probes) {}

    /**
     * A prefill engine that is asked.
     *
     * @param worker whose engine
     * @param source where its id comes from
     * @param model a model that it serves
     * @param apiKey its key, or null
     */
    record Target(
            Worker worker,
            EngineIdSource source,
            String model,
            @Nullable String apiKey) {}
}
