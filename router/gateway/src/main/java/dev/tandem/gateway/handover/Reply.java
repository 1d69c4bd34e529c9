// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import dev.tandem.core.failure.FailureException;
import java.nio.charset.StandardCharsets;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerResponse;

/**
 * What an engine gets for a message over HTTP. Immutable.
 *
 * @param status HTTP status
 * @param json body
 */
record Reply(int status, String json) {
    /** All is well. */
    static final Reply OK = new Reply(200, "{\"status\":\"ok\"}");

    /** The engine has not shown the secret. */
    static final Reply UNAUTHORIZED = error(401, "invalid_request_error", "unauthorized", "the bearer token is wrong");

    /** The engine sends too much. */
    static final Reply TOO_MANY = error(429, "invalid_request_error", "rate_limited", "too many messages");

    /** How many of the requests that an engine named were waited for. */
    static Reply notified(int notified, int total) {
        return new Reply(200, "{\"status\":\"ok\",\"notified\":" + notified + ",\"total\":" + total + "}");
    }

    /** A failure, in the form that clients get, too. */
    static Reply failed(FailureException failure) {
        return error(
                failure.failure().status(),
                failure.failure().type(),
                failure.failure().code(),
                failure.detail());
    }

    /**
     * Writes it. What the engine may still be sending is not read. The bytes are on the heap: an engine may have left
     * by now, and nobody would release them.
     */
    Mono<Void> send(HttpServerResponse response) {
        return response.status(status)
                .header("content-type", "application/json")
                .keepAlive(status < 300)
                .sendByteArray(Mono.just(json.getBytes(StandardCharsets.UTF_8)))
                .then();
    }

    /** The texts are ours and need no escaping. */
    private static Reply error(int status, String type, String code, String message) {
        return new Reply(status, """
                {"error":{"message":"%s","type":"%s","param":null,"code":"%s"}}""".formatted(message, type, code));
    }
}
