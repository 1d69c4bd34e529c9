// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.pipeline;

import dev.tandem.core.disagg.Pairing;
import dev.tandem.core.fleet.Seat;
import dev.tandem.core.request.ApiKind;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.HexFormat;
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

    /**
     * Draws the secret of this process.
     *
     * @param callbackUrl where engines call the gateway back, or the empty text when nobody listens
     */
    public Pairings(String callbackUrl) {
        this.callbackUrl = callbackUrl;
        new SecureRandom().nextBytes(secret);
    }

    /** Returns a pairing of two seats. */
    public Pairing pair(Seat prefill, Seat decode, ApiKind api, boolean continuable) {
        return new Pairing(prefill, decode, api, token(), callbackUrl, continuable);
    }

    private String token() {
        ByteBuffer input = ByteBuffer.allocate(secret.length + Long.BYTES);
        input.put(secret).putLong(count.incrementAndGet());
        return HexFormat.of().formatHex(sha256().digest(input.array()), 0, TOKEN_BYTES);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
