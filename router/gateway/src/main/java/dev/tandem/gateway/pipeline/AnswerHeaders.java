// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.pipeline;

import io.netty.handler.codec.http.HttpHeaders;

/**
 * Headers that explain an answer: who made it, why there, and where the time went. Immutable; names workers by id,
 * never by address.
 */
public final class AnswerHeaders {
    private final boolean simulated;

    /**
     * Makes the headers' writer.
     *
     * @param simulated whether the engines are the embedded simulated ones
     */
    public AnswerHeaders(boolean simulated) {
        this.simulated = simulated;
    }

    void write(RequestScope scope, HttpHeaders headers) {
        headers.set("x-request-id", scope.request().id());
        headers.set("x-tandem-attempts", Integer.toString(scope.attempts()));
        RequestScope.RoutedTo to = scope.routedTo();
        if (to != null) {
            headers.set("x-tandem-decode", to.decode());
            headers.set("x-tandem-policy", to.policy());
            if (to.prefill() != null) {
                headers.set("x-tandem-prefill", to.prefill());
            }
        }
        int cached = scope.knownUsage().cachedTokens();
        if (cached >= 0) {
            headers.set("x-tandem-cached-tokens", Integer.toString(cached));
        }
        if (simulated) {
            headers.set("x-tandem-simulated", "true");
        }
        headers.set("server-timing", timing(scope));
    }

    /** Milliseconds, as the Server-Timing header wants them. */
    private static String timing(RequestScope scope) {
        StringBuilder text = new StringBuilder(96);
        append(text, "queue", scope.queuedNanos());
        append(text, "decision", scope.decisionNanos());
        append(text, "prefill", scope.prefillNanos());
        append(text, "first-byte", scope.elapsedNanos());
        return text.toString();
    }

    private static void append(StringBuilder text, String name, long nanos) {
        if (nanos < 0) {
            return;
        }
        if (!text.isEmpty()) {
            text.append(", ");
        }
        long micros = nanos / 1_000;
        text.append(name).append(";dur=").append(micros / 1_000).append('.');
        long fraction = micros % 1_000;
        text.append(fraction < 10 ? "00" : fraction < 100 ? "0" : "").append(fraction);
    }
}
