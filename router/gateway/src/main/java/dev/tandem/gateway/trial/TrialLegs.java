// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.trial;

import dev.tandem.core.disagg.Pairing;
import dev.tandem.core.fleet.PromptCounts;
import dev.tandem.core.fleet.Seat;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.request.ApiKind;
import dev.tandem.gateway.exchange.ExchangeRunner;
import java.util.function.Function;
import reactor.core.publisher.Mono;

/**
 * What the legs of trials are planned and run with. Immutable.
 *
 * @param runner makes a runner that tells a listener of its legs
 * @param pairing pairs seats
 * @param listener learns what stays behind on engines and what decode found, and nothing else
 * @param counts reads what the engine of a worker has counted; empty when it does not tell
 */
public record TrialLegs(
        Function<RequestListener, ExchangeRunner> runner,
        PairingMaker pairing,
        RequestListener listener,
        Function<Worker, Mono<PromptCounts>> counts) {
    /** Pairs seats for an attempt. */
    @FunctionalInterface
    public interface PairingMaker {
        /** Returns a pairing under a token of its own. */
        Pairing pair(Seat prefill, Seat decode, ApiKind api);
    }
}
