// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.Handover;
import dev.tandem.core.disagg.HandoverProof;
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
import dev.tandem.gateway.answer.PromptLogprobs;
import dev.tandem.gateway.answer.UsageReport;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import java.net.URI;
import java.nio.charset.StandardCharsets;
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
        public void onHandover(String connector, Exchange made, HandoverResult result) {
            told.add(result.name());
        }

        @Override
        public void onProved(String connector, Worker prefill, Worker decode, HandoverProof proof) {
            told.add(connector + " " + prefill.id() + ">" + decode.id() + " " + proof.found() + "/" + proof.owed());
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

    /** A decode worker that computes the prompt itself, because prefill has failed, can tell of it itself. */
    @Test
    void decodeIsNotAskedForWhatPrefillHasTold() {
        Attempt attempt = attempt("shared-cache");
        Leg decode = attempt.exchange().decode();
        assertThat(attempt.ofPrefill().unasked(decode)).isEqualTo(decode);

        attempt.ofPrefill()
                .told(PromptLogprobs.in(Unpooled.copiedBuffer("{\"prompt_logprobs\":[null]}", StandardCharsets.UTF_8))
                        .orElseThrow());

        assertThat(attempt.ofPrefill().unasked(decode).body().edits())
                .containsExactly(new BodyEdits.Edit.Drop("prompt_logprobs"));
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
        attempt.prefillRejected();
        attempt.close();

        assertThat(told).isEmpty();
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

    @Test
    void whatDecodeFoundIsHeldAgainstWhatItWasHandedOver() {
        Attempt whole = attempt("shared-cache");
        whole.ofPrefill().found(0);
        whole.said(new UsageReport(1_000, 896, 5));
        Attempt twice = attempt("shared-cache");
        twice.ofPrefill().found(128);
        twice.said(new UsageReport(1_000, 0, 5));
        Attempt part = attempt("mooncake");
        part.ofPrefill().found(0);
        part.said(new UsageReport(1_128, 512, 5));

        assertThat(told).containsExactly("shared-cache p>d 744/744", "shared-cache p>d 0/744", "mooncake p>d 512/1000");
    }

    @Test
    void whatIsNotSaidOrSaidOfSomethingElseProvesNothing() {
        UsageReport none = new UsageReport(1_000, 0, 5);
        Attempt toldByPrefill = attempt("nixl");
        toldByPrefill.ofPrefill().found(-1);
        toldByPrefill.said(none);
        Attempt failedAloud = attempt("lmcache-mp");
        failedAloud.ofPrefill().found(0);
        failedAloud.handoverFailed();
        told.clear();
        failedAloud.said(none);
        Attempt ofPrefill = attempt("sglang");
        ofPrefill.ofPrefill().found(0);
        ofPrefill.said(none);
        Attempt silent = attempt("shared-cache");
        silent.ofPrefill().found(0);
        silent.said(new UsageReport(1_000, -1, 5));
        silent.said(UsageReport.NONE);
        attempt("shared-cache").said(none); // prefill has said nothing

        assertThat(told).isEmpty();
    }
}
