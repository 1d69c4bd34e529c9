// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.lifecycle.Outcome;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.lifecycle.RequestRecord;
import dev.tandem.core.request.ApiKind;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ListenersTest {
    private final List<String> heard = new ArrayList<>();

    @Test
    void tellsEveryEventToEveryListenerInOrder() {
        Listeners all = new Listeners(List.of(new Ear("a"), new Ear("b")));
        Worker worker = new Worker("w", URI.create("http://127.0.0.1:1"), Role.UNIFIED);
        Leg leg = new Leg(worker, ApiKind.CHAT, BodyEdits.NONE);

        all.onAccepted();
        all.onHeldBack();
        all.onLegCompleted(RequestListener.LegKind.PREFILL, leg, 7);
        all.onLegFailed(RequestListener.LegKind.DECODE, leg, Failure.ENGINE_BUSY);
        all.onRetryDenied();
        all.onResume(RequestListener.ResumeResult.RESUMED);
        all.onGap(9);
        all.onSettled(Records.ended(new Outcome.Completed()));

        assertThat(heard)
                .containsExactly(
                        "a accepted",
                        "b accepted",
                        "a held back",
                        "b held back",
                        "a completed PREFILL 7",
                        "b completed PREFILL 7",
                        "a failed DECODE ENGINE_BUSY",
                        "b failed DECODE ENGINE_BUSY",
                        "a denied",
                        "b denied",
                        "a resume RESUMED",
                        "b resume RESUMED",
                        "a gap 9",
                        "b gap 9",
                        "a settled req-1",
                        "b settled req-1");
    }

    /** Writes down what it hears. */
    private final class Ear implements RequestListener {
        private final String name;

        Ear(String name) {
            this.name = name;
        }

        @Override
        public void onAccepted() {
            heard.add(name + " accepted");
        }

        @Override
        public void onHeldBack() {
            heard.add(name + " held back");
        }

        @Override
        public void onLegCompleted(LegKind kind, Leg leg, long nanos) {
            heard.add(name + " completed " + kind + " " + nanos);
        }

        @Override
        public void onLegFailed(LegKind kind, Leg leg, Failure failure) {
            heard.add(name + " failed " + kind + " " + failure);
        }

        @Override
        public void onRetryDenied() {
            heard.add(name + " denied");
        }

        @Override
        public void onResume(ResumeResult result) {
            heard.add(name + " resume " + result);
        }

        @Override
        public void onGap(long gapNanos) {
            heard.add(name + " gap " + gapNanos);
        }

        @Override
        public void onSettled(RequestRecord record) {
            heard.add(name + " settled " + record.id());
        }
    }
}
