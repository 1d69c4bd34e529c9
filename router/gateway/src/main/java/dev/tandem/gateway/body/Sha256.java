// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** SHA-256, which every JDK has. Stateless. */
public final class Sha256 {
    private Sha256() {}

    /** Begins one. */
    public static MessageDigest begin() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
