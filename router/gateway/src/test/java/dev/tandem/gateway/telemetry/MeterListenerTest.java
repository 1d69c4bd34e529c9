// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.sun.management.ThreadMXBean;
import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.disagg.HandoverProof;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.lifecycle.Outcome;
import dev.tandem.core.lifecycle.RequestListener.LegKind;
import dev.tandem.core.request.ApiKind;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class MeterListenerTest {
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final MeterListener listener = new MeterListener(registry);

    @Test
    void countsEachOutcomeOnce() {
        listener.onSettled(Records.ended(new Outcome.Completed()));
        listener.onSettled(Records.ended(new Outcome.Completed()));
        listener.onSettled(Records.ended(new Outcome.ClientLeft()));
        listener.onSettled(Records.ended(new Outcome.Failed(Failure.ENGINE_ERROR)));
        listener.onSettled(Records.ended(new Outcome.Truncated(Failure.STREAM_INTERRUPTED)));

        assertThat(outcome("completed")).isEqualTo(2);
        assertThat(outcome("client_left")).isEqualTo(1);
        assertThat(outcome("failed")).isEqualTo(1);
        assertThat(outcome("truncated")).isEqualTo(1);
        assertThat(counter("tandem.aborts")).isEqualTo(1);
        assertThat(counter("tandem.failures", "code", "engine_error")).isEqualTo(1);
        assertThat(counter("tandem.failures", "code", "stream_interrupted")).isEqualTo(1);
        assertThat(counter("tandem.failures", "code", "client_left")).isZero();
    }

    @Test
    void outcomesAreNamedAsCoreNamesThem() {
        for (Outcome outcome : new Outcome[] {
            new Outcome.Completed(),
            new Outcome.Truncated(Failure.INTERNAL),
            new Outcome.ClientLeft(),
            new Outcome.Failed(Failure.INTERNAL)
        }) {
            assertThat(MeterListener.OUTCOMES.get(MeterListener.index(outcome))).isEqualTo(outcome.tag());
        }
    }

    @Test
    void inFlightFallsOnlyForAcceptedRequests() {
        listener.onAccepted();
        listener.onAccepted();
        listener.onSettled(Records.ended(new Outcome.Completed()));
        listener.onSettled(Records.refused(new Outcome.Failed(Failure.INVALID_JSON)));

        assertThat(registry.get("tandem.in.flight").gauge().value()).isEqualTo(1);
    }

    @Test
    void sumsTokensAndBytes() {
        listener.onSettled(Records.model("tiny"));
        listener.onSettled(Records.model("tiny"));

        assertThat(counter("tandem.prompt.tokens", "model", "tiny")).isEqualTo(2_000);
        assertThat(counter("tandem.cached.tokens", "model", "tiny")).isEqualTo(1_536);
        assertThat(counter("tandem.output.tokens", "model", "tiny")).isEqualTo(84);
        assertThat(counter("tandem.request", "api", "chat")).isEqualTo(8_192);
        assertThat(counter("tandem.response", "api", "chat")).isEqualTo(18_000);
    }

    @Test
    void leavesOutWhatIsUnknown() {
        listener.onSettled(Records.refused(new Outcome.Failed(Failure.INVALID_JSON)));

        assertThat(counter("tandem.prompt.tokens", "model", "other")).isZero();
        assertThat(registry.get("tandem.ttft").tag("model", "other").timer().count())
                .isZero();
        assertThat(registry.get("tandem.queue.wait").timer().count()).isZero();
        assertThat(counter("tandem.request", "api", "chat")).isEqualTo(17);
    }

    @Test
    void recordsTimesInSeconds() {
        listener.onGap(20_000_000);
        listener.onSettled(Records.ended(new Outcome.Completed()));

        assertThat(seconds("tandem.itl")).isCloseTo(0.02, within(1e-9));
        assertThat(seconds("tandem.ttft")).isCloseTo(0.09525, within(1e-9));
        assertThat(seconds("tandem.e2e")).isCloseTo(2.0, within(1e-9));
        assertThat(seconds("tandem.queue.wait")).isCloseTo(0.0015, within(1e-9));
        assertThat(seconds("tandem.decision")).isCloseTo(0.000012, within(1e-12));
    }

    @Test
    void countsAttemptsBeyondTheFirstAsRetries() {
        listener.onSettled(Records.attempts(1));
        listener.onSettled(Records.attempts(3));

        assertThat(counter("tandem.retries")).isEqualTo(2);
    }

    @Test
    void tellsLegsApart() {
        Leg leg = new Leg(worker(), ApiKind.CHAT, BodyEdits.NONE);
        listener.onLegCompleted(LegKind.PREFILL, leg, Duration.ofMillis(30).toNanos());
        listener.onLegFailed(LegKind.DECODE, leg, Failure.CONNECT_FAILED);

        assertThat(registry.get("tandem.leg").tag("leg", "prefill").timer().count())
                .isEqualTo(1);
        assertThat(registry.get("tandem.leg").tag("leg", "decode").timer().count())
                .isZero();
        assertThat(counter("tandem.leg.failures", "leg", "decode", "code", "connect_failed"))
                .isEqualTo(1);
    }

    @Test
    void sharesOfWhatDecodeFoundAreKeptByPair() {
        Worker prefill = new Worker("prefill-0", URI.create("http://127.0.0.1:1"), Role.PREFILL);
        listener.onProved("nixl", prefill, worker(), new HandoverProof(1_000, 1_000));
        listener.onProved("nixl", prefill, worker(), new HandoverProof(1_000, 0));

        assertThat(registry.scrape())
                .contains(
                        "tandem_handover_effective_ratio_sum{connector=\"nixl\",pair=\"prefill-0>decode-1\"} 1.0",
                        "tandem_handover_effective_ratio_count{connector=\"nixl\",pair=\"prefill-0>decode-1\"} 2",
                        "tandem_handover_effective_ratio_bucket{connector=\"nixl\",pair=\"prefill-0>decode-1\",le=\"0.5\"} 1");
    }

    @Test
    void modelsBeyondTheCapShareOneSeries() {
        for (int i = 0; i < MeterListener.MAX_NAMES + 8; i++) {
            listener.onSettled(Records.model("model-" + i));
        }
        listener.onSettled(Records.model(null));

        assertThat(registry.find("tandem.output.tokens").counters()).hasSize(MeterListener.MAX_NAMES + 1);
        assertThat(counter("tandem.output.tokens", "model", "other")).isEqualTo(9 * 42);
        assertThat(counter("tandem.output.tokens", "model", "model-0")).isEqualTo(42);
    }

    @Test
    void allocatesNothingPerPieceOfAStream() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        gaps(10_000);
        long before = threads.getCurrentThreadAllocatedBytes();
        gaps(10_000);
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;

        // 10,000 events with one object each would be 160,000 bytes at the least; the measurement itself makes a few.
        assertThat(allocated).isLessThan(10_000);
    }

    private void gaps(int count) {
        for (int i = 0; i < count; i++) {
            listener.onGap(20_000_000L + i);
        }
    }

    private static Worker worker() {
        return new Worker("decode-1", URI.create("http://127.0.0.1:1"), Role.DECODE);
    }

    private double outcome(String outcome) {
        return counter("tandem.requests", "api", "chat", "model", "tiny", "outcome", outcome);
    }

    private double counter(String name, String... tags) {
        return registry.get(name).tags(tags).counter().count();
    }

    private double seconds(String name) {
        Timer timer = registry.find(name).timers().stream()
                .filter(found -> found.count() > 0)
                .findFirst()
                .orElseThrow();
        return timer.totalTime(TimeUnit.NANOSECONDS) / 1e9;
    }
}
