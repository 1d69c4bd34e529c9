// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.transfer;

import tools.jackson.databind.JsonNode;

/**
 * A path that a connector adds to those of the server.
 *
 * @param method HTTP method.
 * @param path Path without query.
 * @param handler Answers; must not block.
 */
public record Endpoint(String method, String path, Handler handler) {
    /** Answers requests on one path; a {@link dev.tandem.simulator.wire.Rejection} becomes an error answer. */
    public interface Handler {
        /** Returns the answer to a body, which is empty for a request without one. */
        Reply answer(byte[] body);
    }

    /**
     * A JSON answer.
     *
     * @param status HTTP status.
     * @param body The body.
     */
    public record Reply(int status, JsonNode body) {}
}
