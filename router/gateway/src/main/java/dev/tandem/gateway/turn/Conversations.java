// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.turn;

import dev.tandem.core.request.ApiKind;
import dev.tandem.gateway.body.ScannedBody;
import dev.tandem.gateway.body.Sha256;
import dev.tandem.gateway.body.Tokenizable;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Tells conversations apart, those of other clients included. Immutable. */
public final class Conversations {
    /** Field of the body by which clients of vLLM's own proxy name their conversation. */
    private static final String FIELD = "conversation_id";

    private final boolean enabled;

    /**
     * Makes one.
     *
     * @param enabled whether conversations matter to anybody
     */
    public Conversations(boolean enabled) {
        this.enabled = enabled;
    }

    /**
     * Returns the conversation that a request is a turn of; null for none of which the next turn could read anything.
     * Engines of vLLM 0.32 say only in answers that are no streams what they keep.
     *
     * @param client all headers of the client
     * @param session key of the client's session, or null
     */
    public @Nullable Conversation of(ApiKind api, HttpHeaders client, @Nullable String session, ScannedBody body) {
        if (!enabled || body.streaming()) {
            return null;
        }
        Optional<String> named =
                Optional.ofNullable(session).or(() -> body.body().text(FIELD));
        return named.flatMap(name -> Tokenizable.of(api, body.body())
                        .map(promptOnly -> new Conversation(
                                key(client.get(HttpHeaderNames.AUTHORIZATION), body.model(), name), promptOnly)))
                .orElse(null);
    }

    private static String key(@Nullable String credentials, @Nullable String model, String name) {
        MessageDigest digest = Sha256.begin();
        for (String part : new String[] {name, model, credentials}) {
            digest.update(Objects.requireNonNullElse(part, "").getBytes(StandardCharsets.UTF_8));
            digest.update((byte) 0);
        }
        return HexFormat.of().formatHex(digest.digest());
    }
}
