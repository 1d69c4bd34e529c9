// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.meeting;

import dev.tandem.simulator.peer.Ledger;
import dev.tandem.simulator.peer.RemoteEngine;
import dev.tandem.simulator.peer.RemoteSource;
import dev.tandem.simulator.transfer.Claim;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Whether a correct router would give a name to one more leg: once for prefill, once for decode, with one prompt. */
public final class NameClaims {
    private static final Logger log = LoggerFactory.getLogger(NameClaims.class);

    private NameClaims() {}

    /** Returns the question about a prefill leg, which its own engine answers. */
    public static Claim ofPrefill(Meetings meetings, String field, String name, long prompt) {
        return new Claim() {
            @Override
            public @Nullable String judge() {
                String refusal = meetings.refusal(name, prompt);
                return refusal == null ? null : field + ": " + refusal;
            }

            @Override
            public void giveBack() {}
        };
    }

    /** Returns the question about a decode leg; a prefill engine that does not answer is no reason. */
    public static Claim ofDecode(RemoteSource.Connection door, String field, String name, long prompt) {
        return new Claim() {
            @Override
            public @Nullable String judge() {
                try (RemoteEngine remote = door.open()) {
                    String refusal = refusal(remote.judge(name, prompt), name);
                    return refusal == null ? null : field + ": " + refusal;
                } catch (IOException e) {
                    log.info("name not judged name={} reason={}", name, e.getMessage());
                    return null;
                }
            }

            @Override
            public void giveBack() {
                new Visit(door, name, new Visit.Manners(false, false, true, -1)).cancel();
            }
        };
    }

    private static @Nullable String refusal(Ledger.Verdict verdict, String name) {
        return switch (verdict) {
            case GOOD, UNKNOWN -> null;
            case CHANGED -> "changed on its way: " + name;
            case USED -> "used before on a decode leg: " + name;
            case EXPIRED -> "older than its lease: " + name;
            case FOREIGN -> "used on a prefill leg with another request: " + name;
        };
    }
}
