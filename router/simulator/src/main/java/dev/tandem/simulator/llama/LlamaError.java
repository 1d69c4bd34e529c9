// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import dev.tandem.simulator.wire.Json;
import tools.jackson.databind.node.ObjectNode;

/** A request that llama-server answers with an error. The texts are those of build 11669, read on 2026-11-21. */
final class LlamaError extends RuntimeException {
    private static final long serialVersionUID = 1;

    private static final String VIOLATION = "ContractViolation";

    private final int status;
    private final String type;
    /** Prompt and context length of a prompt that does not fit; 0 for other errors. */
    private final int promptTokens;

    private final int contextTokens;

    private LlamaError(int status, String type, String message) {
        this(status, type, message, 0, 0);
    }

    private LlamaError(int status, String type, String message, int promptTokens, int contextTokens) {
        super(message, null, false, false);
        this.status = status;
        this.type = type;
        this.promptTokens = promptTokens;
        this.contextTokens = contextTokens;
    }

    static LlamaError invalid(String message) {
        return new LlamaError(400, "invalid_request_error", message);
    }

    /** Something that only a strict server refuses. */
    static LlamaError violation(String message) {
        return new LlamaError(400, VIOLATION, message);
    }

    static LlamaError server(String message) {
        return new LlamaError(500, "server_error", message);
    }

    static LlamaError unavailable(String message) {
        return new LlamaError(503, "unavailable_error", message);
    }

    /** Something that the server was not started for. */
    static LlamaError notSupported(String what, String argument) {
        String message = "This server does not support " + what + ". Start it with `" + argument + "`";
        return new LlamaError(501, "not_supported_error", message);
    }

    static LlamaError tooLong(int promptTokens, int contextTokens) {
        String message = "request (" + promptTokens + " tokens) exceeds the available context size (" + contextTokens
                + " tokens), try increasing it";
        return new LlamaError(400, "exceed_context_size_error", message, promptTokens, contextTokens);
    }

    /** An error that a fault asks for. */
    static LlamaError of(int status, String message) {
        String type = status == 503 ? "unavailable_error" : status >= 500 ? "server_error" : "invalid_request_error";
        return new LlamaError(status, type, message);
    }

    int status() {
        return status;
    }

    /** Returns true for what only a strict server refuses. */
    boolean violation() {
        return type.equals(VIOLATION);
    }

    ObjectNode json() {
        ObjectNode body = Json.object();
        ObjectNode error = body.putObject("error")
                .put("code", status)
                .put("message", getMessage())
                .put("type", type);
        if (contextTokens > 0) {
            error.put("n_prompt_tokens", promptTokens).put("n_ctx", contextTokens);
        }
        return body;
    }
}
