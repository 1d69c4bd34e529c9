// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import java.util.Set;

/**
 * Top-level fields by which a router steers engines. A client has no business with them.
 *
 * <p>Source: vLLM 0.32 and LMCache request handling, SGLang disaggregation, llama-server; read 2026-11-20.
 */
final class ControlFields {
    private static final Set<String> NAMES = Set.of(
            "kv_transfer_params",
            "ec_transfer_params",
            "disagg_spec",
            "bootstrap_host",
            "bootstrap_port",
            "bootstrap_room",
            "request_id",
            "data_parallel_rank",
            "routed_dp_rank",
            "disagg_prefill_dp_rank",
            "vllm_xargs",
            "id_slot");

    private static final String LMCACHE = "lmcache.";

    private ControlFields() {}

    static boolean contains(String field) {
        return NAMES.contains(field) || field.startsWith(LMCACHE);
    }
}
