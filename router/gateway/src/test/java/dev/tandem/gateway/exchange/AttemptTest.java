// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.Handover;
import dev.tandem.core.disagg.KvConnector;
import dev.tandem.core.disagg.KvConnectors;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.FleetSettings;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.request.ApiKind;
import dev.tandem.core.time.Ticker;
import dev.tandem.gateway.answer.EngineAnswer;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;

class AttemptTest {
    private static final Worker P = new Worker("p", URI.create("http://p:1"), Role.PREFILL);
    private static final Worker D = new Worker("d", URI.create("http://d:1"), Role.DECODE);

    private final List<String> told = new ArrayList<>();
    private final RequestListener listener = new RequestListener() {
        @Override
        public void onHandover(String connector, HandoverResult result) {
            told.add(result.name());
        }

        @Override
        public void onStranded(String connector, Worker prefill, Worker decode, Duration heldFor) {
            told.add("stranded");
        }
    };
    private final Fleet fleet = new Fleet(FleetSettings.defaults(), Ticker.SYSTEM);
    private boolean abandoned;

    private Attempt attempt(String connector) {
        fleet.replace(List.of(P, D));
        KvConnector protocol = KvConnectors.named(connector).orElseThrow();
        Leg leg = new Leg(D, ApiKind.COMPLETIONS, BodyEdits.NONE);
        Exchange exchange = new Exchange.Sequential(leg, new Handover.Pushed(), leg);
        return new Attempt("id", exchange, protocol, fleet.lease(P, 1), fleet.lease(D, 1), listener);
    }

    private EngineAnswer answer() {
        return new EngineAnswer(200, new DefaultHttpHeaders(), Flux.empty(), () -> abandoned = true);
    }

    @Test
    void anAnswerThatNobodyReadsIsGivenUpWithTheAttempt() {
        Attempt attempt = attempt("nixl");
        attempt.answered(answer());
        assertThat(abandoned).isFalse();

        attempt.close();

        assertThat(abandoned).isTrue();
        assertThat(fleet.leases()).isZero();
    }

    @Test
    void anAnswerThatComesTooLateIsGivenUpAtOnce() {
        Attempt attempt = attempt("nixl");
        attempt.close();

        attempt.answered(answer());

        assertThat(abandoned).isTrue();
    }

    @Test
    void anAnswerThatIsReadIsItsReaders() {
        Attempt attempt = attempt("nixl");
        EngineAnswer answer = answer();
        attempt.answered(answer);
        answer.body().blockLast();

        attempt.close();

        assertThat(abandoned).isFalse();
    }

    @Test
    void whatIsHandedOverEndsInOneWay() {
        Attempt attempt = attempt("lmcache-pd-notified");
        attempt.offered(() -> true);
        attempt.handoverFailed(); // no notice in time
        attempt.claimed();
        attempt.answered(answer());
        attempt.close();

        assertThat(told).containsExactly("FAILED");
    }

    @Test
    void whatHasArrivedIsTakenOnceDecodeAnswers() {
        Attempt attempt = attempt("lmcache-pd-notified");
        attempt.offered(() -> true);
        attempt.handedOver();
        assertThat(told).isEmpty();

        attempt.claimed();
        attempt.answered(answer());

        assertThat(told).containsExactly("TAKEN");
    }

    @Test
    void whatNobodyWantsIsDrainedUntilTheDecodeLegIsOut() {
        Attempt waiting = attempt("lmcache-pd-notified");
        waiting.offered(() -> true);
        waiting.close();
        Attempt full = attempt("lmcache-pd-notified");
        full.offered(() -> false);
        full.close();
        Attempt sent = attempt("lmcache-pd-notified");
        sent.offered(() -> true);
        sent.claimed();
        sent.close();

        assertThat(told).containsExactly("DRAINED", "ABANDONED", "stranded", "ABANDONED", "stranded");
    }

    @Test
    void whatAPrefillWorkerMayHaveComputedWhenItsLegIsCancelledIsCounted() {
        Attempt sent = attempt("nixl");
        sent.prefilling();
        sent.close();
        Attempt waiting = attempt("nixl");
        waiting.close();
        Attempt stored = attempt("shared-cache");
        stored.prefilling();
        stored.close();

        assertThat(told).containsExactly("stranded");
    }

    @Test
    void whatIsOfferedWhenTheRequestIsOverIsLetGo() {
        Attempt attempt = attempt("nixl");
        attempt.prefilling();
        attempt.prefilled(1);
        attempt.close();

        attempt.offered(() -> true);

        assertThat(told).containsExactly("ABANDONED", "stranded");
    }

    @Test
    void aPrefillLegThatWasRejectedLeavesNothing() {
        Attempt attempt = attempt("nixl");
        attempt.prefilling();
        attempt.prefillRejected(answer());
        attempt.close();

        assertThat(told).isEmpty();
        assertThat(abandoned).isTrue();
    }

    @Test
    void aPrefillLegThatHasFailedLeavesNothing() {
        Attempt attempt = attempt("nixl");
        attempt.prefilling();
        attempt.prefilled(1);
        attempt.prefillFailed(false);
        attempt.close();

        assertThat(told).isEmpty();
    }
}
