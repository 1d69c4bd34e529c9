// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.KvAddress.Parallel;
import dev.tandem.gateway.fleet.HttpProbe.Probed;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What an engine of NIXL says in its answer to a prefill leg. Immutable.
 *
 * <p>The leg costs one token, and one block of KV until its lease ends. Only engines that are known to be of NIXL may
 * be asked: another connector that misses one of its own parameters can end its engine. Source: vLLM 0.32.0, recorded
 * 2026-11-21; {@code transfer_mode}: vllm-project/vllm#35264 (2026-06-12).
 */
final class NixlAnswer {
    private static final String PARAMS = "kv_transfer_params";
    private static final JsonMapper JSON = JsonMapper.shared();

    /** Read at once: the first use of a mapper takes a lock, and event loops must not wait for it. */
    private static final JsonNode ASK =
            JSON.readTree("{\"do_remote_decode\":true,\"do_remote_prefill\":false,\"remote_engine_id\":null,"
                    + "\"remote_block_ids\":null,\"remote_host\":null,\"remote_port\":null}");

    private final JsonNode params;

    private NixlAnswer(JsonNode params) {
        this.params = params;
    }

    /** Sends a prefill leg; fails with a {@link ProbeFailure} when the answer cannot be read. */
    static Mono<NixlAnswer> ask(ProbeClient engines, Probed probed) {
        return engines.ask(probed.worker(), "/v1/completions", leg(probed.model()), probed.apiKey())
                .map(NixlAnswer::read);
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

    static NixlAnswer read(byte[] answer) {
        try {
            return new NixlAnswer(JSON.readTree(answer).path(PARAMS));
        } catch (JacksonException unreadable) {
            throw unreadable();
        }
    }

    private static ProbeFailure unreadable() {
        return new ProbeFailure("prefill leg: " + PARAMS + " cannot be read");
    }

    /** Returns who moves the blocks: {@code pull} for the decode engine, {@code push} for this one, empty if unsaid. */
    String transferMode() {
        return params.path("transfer_mode").asString("");
    }

    /**
     * Returns where other engines reach this one and by which id.
     *
     * @param declared the address that the operator gave, or null; it goes before what the engine says
     * @param portOffset from the port of the first rank, which addresses have, to that of this one, which answers have
     * @throws ProbeFailure if the answer names no engine
     */
    KvAddress address(@Nullable KvAddress declared, int portOffset) {
        String id = params.path("remote_engine_id").asString("");
        if (id.isEmpty()) {
            throw new ProbeFailure("prefill leg: " + PARAMS + " names no engine");
        }
        return (declared == null ? told(portOffset) : declared).withEngineId(id);
    }

    private KvAddress told(int portOffset) {
        try {
            return new KvAddress(
                    params.path("remote_host").asString(""),
                    params.path("remote_port").asInt(0) - portOffset,
                    0,
                    null,
                    new Parallel(
                            params.path("tp_size").asInt(1),
                            params.path("pp_size").asInt(1),
                            1));
        } catch (IllegalArgumentException noAddress) {
            throw unreadable();
        }
    }
}
