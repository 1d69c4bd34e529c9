// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tandem.core.prefix.Fingerprint;
import dev.tandem.core.prefix.Fingerprinter;
import dev.tandem.core.request.ApiKind;
import org.jspecify.annotations.Nullable;

/** Requests for tests. */
public final class Requests {
    private static final Fingerprinter FINGERPRINTER = Fingerprinter.standard();

    private Requests() {}

    /** Returns a splittable chat request for model m. */
    public static RoutingRequest chat(Fingerprint fingerprint, int promptTokens) {
        return request("m", fingerprint, promptTokens, null, true);
    }

    /** Returns a splittable chat request for model m with a session key. */
    public static RoutingRequest session(String session, Fingerprint fingerprint, int promptTokens) {
        return request("m", fingerprint, promptTokens, session, true);
    }

    /** Returns a chat request. */
    public static RoutingRequest request(
            @Nullable String model,
            Fingerprint fingerprint,
            int promptTokens,
            @Nullable String session,
            boolean splittable) {
        return new RoutingRequest(ApiKind.CHAT, model, fingerprint, promptTokens, session, splittable);
    }

    /** Returns the fingerprint of messages, cut after each. */
    public static Fingerprint conversation(Iterable<String> messages) {
        Fingerprinter.Builder builder = FINGERPRINTER.start("m", "");
        for (String message : messages) {
            byte[] bytes = message.getBytes(UTF_8);
            builder.update(bytes, 0, bytes.length);
            builder.cut();
        }
        return builder.finish();
    }

    /** Returns the fingerprint of one text. */
    public static Fingerprint text(String text) {
        return conversation(java.util.List.of(text));
    }
}
