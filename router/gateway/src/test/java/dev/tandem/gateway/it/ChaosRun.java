// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.gateway.it.DrawnRequest.End;
import dev.tandem.gateway.it.DrawnRequest.Outcome;
import java.util.Map;
import java.util.Set;

/** How the gateway of one run of {@link ChaosIT} is set up, and what its answers may be. Immutable. */
enum ChaosRun {
    /** Streams that break are cut; only what became of a request itself counts against it. */
    CUT(false, 3, 0, 78, 8),
    /** As often as it takes, another worker goes on with a stream that breaks: none is cut. */
    RESUMED(false, 10, 10, 84, 8),
    /**
     * As the product comes, with all its defences, and another worker goes on with a stream as often as they let it.
     */
    DEFENDED(true, 3, 3, 70, 20);

    /** Requests by which a share may be missed: few requests meet with more harm than many at times. */
    private static final int CHANCE = 10;

    /** What may become of a request whose workers fail. */
    private static final Set<String> OF_WORKERS =
            Set.of("connect_failed", "engine_error", "engine_dropped", "prefill_failed", "kv_transfer_failed");

    /** What may become of it besides when the gateway defends workers that are well. */
    private static final Set<String> OF_DEFENCES = Set.of("no_worker", "poison_suspected");

    private final boolean defended;
    private final int mostAttempts;
    private final int resumes;
    private final int leastExact;
    private final int mostRefused;

    ChaosRun(boolean defended, int mostAttempts, int resumes, int leastExact, int mostRefused) {
        this.defended = defended;
        this.mostAttempts = mostAttempts;
        this.resumes = resumes;
        this.leastExact = leastExact;
        this.mostRefused = mostRefused;
    }

    void apply(GatewayRig.Setup setup) {
        setup.set("tandem.health.interval", "500ms")
                .set("tandem.engine.idle-timeout", "3s")
                .set("tandem.engine.stream-silence", "5s")
                .set("tandem.retry.max-attempts", Integer.toString(mostAttempts));
        if (resumes > 0) {
            setup.set("tandem.stream.resume", "on").set("tandem.stream.resume-limit", Integer.toString(resumes));
        }
        if (defended) {
            setup.defended();
        }
    }

    /** Returns how many attempts an answer may have taken before it began. */
    int mostAttempts() {
        return mostAttempts;
    }

    /** Checks the end of one request, and how often engines have been asked for it. */
    void check(DrawnRequest request, Outcome outcome, int attempts) {
        boolean may = switch (outcome.end()) {
            case CUT -> this != RESUMED;
            case REFUSED -> OF_WORKERS.contains(outcome.code()) || (defended && OF_DEFENCES.contains(outcome.code()));
            case EXACT, LEFT, LEFT_EARLY -> true;
        };
        assertThat(may).as("%s of %s", outcome, request).isTrue();
        int atFirst = outcome.attempts() > 0 ? outcome.attempts() : mostAttempts;
        int most = request.streaming() ? atFirst + resumes * mostAttempts : atFirst;
        assertThat(attempts)
                .as("attempts of %s, %s", request, outcome)
                .isBetween(outcome.end() == End.EXACT ? 1 : 0, most);
    }

    /** Checks that most requests have been answered. */
    void check(Map<End, Integer> ends, int requests) {
        assertThat(ends.getOrDefault(End.EXACT, 0))
                .as("%s", ends)
                .isGreaterThanOrEqualTo(requests * leastExact / 100 - CHANCE);
        assertThat(ends.getOrDefault(End.REFUSED, 0))
                .as("%s", ends)
                .isLessThanOrEqualTo(requests * mostRefused / 100 + CHANCE);
    }
}
