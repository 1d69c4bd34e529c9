// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import dev.tandem.core.lifecycle.Outcome;
import dev.tandem.core.lifecycle.RequestRecord;
import dev.tandem.core.request.ApiKind;
import org.jspecify.annotations.Nullable;

/** Records of requests for tests. */
final class Records {
    static final RequestRecord.Route ROUTE =
            new RequestRecord.Route("prefill-0", "decode-1", "prefix-hash", "shared-cache", 1);
    static final RequestRecord.Timings TIMINGS =
            new RequestRecord.Timings(1_500_000, 12_000, 80_000_000, 95_250_000, 2_000_000_000);
    static final RequestRecord.Usage USAGE = new RequestRecord.Usage(1_000, 768, 42, 4_096, 9_000);

    private Records() {}

    static RequestRecord ended(Outcome outcome) {
        return of("tiny", outcome, ROUTE, TIMINGS, USAGE);
    }

    static RequestRecord model(@Nullable String model) {
        return of(model, new Outcome.Completed(), ROUTE, TIMINGS, USAGE);
    }

    static RequestRecord refused(Outcome outcome) {
        RequestRecord.Route nobody = new RequestRecord.Route(null, null, null, null, 0);
        return of(
                null,
                outcome,
                nobody,
                new RequestRecord.Timings(-1, -1, -1, -1, -1),
                new RequestRecord.Usage(-1, -1, -1, 17, 120));
    }

    static RequestRecord attempts(int attempts) {
        RequestRecord.Route route =
                new RequestRecord.Route("prefill-0", "decode-1", "prefix-hash", "shared-cache", attempts);
        return of("tiny", new Outcome.Completed(), route, TIMINGS, USAGE);
    }

    private static RequestRecord of(
            @Nullable String model,
            Outcome outcome,
            RequestRecord.Route route,
            RequestRecord.Timings timings,
            RequestRecord.Usage usage) {
        return new RequestRecord("req-1", ApiKind.CHAT, model, true, outcome, 200, route, timings, usage);
    }
}
