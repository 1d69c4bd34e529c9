// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.pipeline;

import dev.tandem.core.disagg.Pairing;
import dev.tandem.core.disagg.Pairing.Shortcut;
import dev.tandem.core.fleet.Seat;
import dev.tandem.core.request.ApiKind;
import dev.tandem.gateway.body.Sha256;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Pairs workers for attempts, each under a token that is new and that nobody can guess who does not hear it: some
 * engines obey whoever names it. Thread-safe; never blocks.
 */
public final class Pairings {
    private static final int TOKEN_BYTES = 16;

    private final byte[] secret = new byte[32];
    private final AtomicLong count = new AtomicLong();
    private final String callbackUrl;
    private final Set<Shortcut> ofAll;
    private final Set<Shortcut> ofContinuable;

    /**
     * Draws the secret of this process.
     *
     * @param callbackUrl where engines call the gateway back, or the empty text when nobody listens
     * @param reuseTokens whether decode workers may be given the tokens that prefill workers have made of a prompt
     */
    public Pairings(String callbackUrl, boolean reuseTokens) {
        this.callbackUrl = callbackUrl;
        this.ofAll = reuseTokens ? Set.of(Shortcut.PROMPT_TOKENS) : Set.of();
        this.ofContinuable =
                reuseTokens ? Set.of(Shortcut.PROMPT_TOKENS, Shortcut.FIRST_TOKEN) : Set.of(Shortcut.FIRST_TOKEN);
        new SecureRandom().nextBytes(secret);
    }

    /**
     * Returns a pairing of two seats.
     *
     * @param continuable whether decode could go on behind a first token of prefill
     */
    public Pairing pair(Seat prefill, Seat decode, ApiKind api, boolean continuable) {
        return new Pairing(prefill, decode, api, token(), callbackUrl, continuable ? ofContinuable : ofAll);
    }

    private String token() {
        ByteBuffer input = ByteBuffer.allocate(secret.length + Long.BYTES);
        input.put(secret).putLong(count.incrementAndGet());
        return HexFormat.of().formatHex(Sha256.begin().digest(input.array()), 0, TOKEN_BYTES);
    }
}
