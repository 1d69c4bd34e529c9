// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import static dev.tandem.gateway.fleet.TestEngine.answer;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.FleetSettings;
import dev.tandem.core.fleet.Probe;
import dev.tandem.core.fleet.Probe.Healthy;
import dev.tandem.core.fleet.Probe.Unhealthy;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.fleet.WorkerStatus;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

final class WorkerProberTest {
    private static final ProbeSettings OFTEN = new ProbeSettings(Duration.ofMillis(20), Duration.ofSeconds(10));

    private final BlockingQueue<Seen> seen = new LinkedBlockingQueue<>();
    private volatile List<Worker> fleet = List.of();

    @Test
    void reportsAgainAndAgain() throws InterruptedException {
        AtomicBoolean well = new AtomicBoolean();
        try (TestEngine engine = new TestEngine(
                        (request, response) ->
                                response.status(well.get() ? 200 : 503).send(),
                        answer(200, TestEngine.MODELS));
                WorkerProber prober = prober(OFTEN)) {
            fleet = List.of(engine.worker("w"));
            prober.start();

            await(new Seen("w", new Unhealthy("health: 503")));
            well.set(true);
            await(new Seen("w", new Healthy(Set.of("tiny"))));
            well.set(false);
            await(new Seen("w", new Unhealthy("health: 503")));
        }
    }

    @Test
    void followsAChangedFleet() throws InterruptedException {
        try (TestEngine engine = new TestEngine(answer(200, ""), answer(200, TestEngine.MODELS));
                WorkerProber prober = prober(OFTEN)) {
            fleet = List.of(engine.worker("a"));
            prober.start();
            await(new Seen("a", new Healthy(Set.of("tiny"))));

            fleet = List.of(engine.worker("b"));
            await(new Seen("b", new Healthy(Set.of("tiny"))));
            seen.clear();
            await(new Seen("b", new Healthy(Set.of("tiny"))));
            await(new Seen("b", new Healthy(Set.of("tiny"))));
            assertThat(seen).noneMatch(result -> result.id().equals("a"));
        }
    }

    @Test
    void aHangingWorkerGetsOneProbeAndDelaysNobody() throws InterruptedException {
        AtomicInteger asked = new AtomicInteger();
        Sinks.Empty<Void> release = Sinks.empty();
        try (TestEngine hanging = new TestEngine(
                        (request, response) -> {
                            asked.incrementAndGet();
                            return release.asMono().then(Mono.from(response.send()));
                        },
                        answer(200, TestEngine.MODELS));
                TestEngine good = new TestEngine(answer(200, ""), answer(200, TestEngine.MODELS));
                WorkerProber prober = prober(OFTEN)) {
            fleet = List.of(hanging.worker("hanging"), good.worker("good"));
            prober.start();
            for (int i = 0; i < 10; i++) {
                await(new Seen("good", new Healthy(Set.of("tiny"))));
            }

            assertThat(asked).hasValue(1);
            release.tryEmitEmpty();
            await(new Seen("hanging", new Healthy(Set.of("tiny"))));
        }
    }

    @Test
    void survivesAFleetThatCannotBeRead() throws InterruptedException {
        AtomicInteger reads = new AtomicInteger();
        try (TestEngine engine = new TestEngine(answer(200, ""), answer(200, TestEngine.MODELS));
                WorkerProber prober = new WorkerProber(
                        OFTEN,
                        TestEngine.targets(() -> {
                            if (reads.incrementAndGet() == 1) {
                                throw new IllegalStateException("first read");
                            }
                            return List.of(engine.worker("w"));
                        }),
                        this::add,
                        ThreadLocalRandom::current)) {
            prober.start();
            await(new Seen("w", new Healthy(Set.of("tiny"))));
        }
    }

    @Test
    void oneWorkerWithoutAReadableKeyStopsNobody() throws InterruptedException {
        try (TestEngine engine = new TestEngine(answer(200, ""), answer(200, TestEngine.MODELS));
                WorkerProber prober = new WorkerProber(
                        OFTEN,
                        TestEngine.targets(() -> fleet, WorkerProberTest::keyOf),
                        this::add,
                        ThreadLocalRandom::current)) {
            fleet = List.of(engine.worker("broken"), engine.worker("w"));
            prober.start();
            await(new Seen("w", new Healthy(Set.of("tiny"))));
            await(new Seen("w", new Healthy(Set.of("tiny"))));
        }
    }

    @Test
    void survivesAListenerThatThrows() throws InterruptedException {
        AtomicInteger calls = new AtomicInteger();
        BiConsumer<String, Probe> moody = (id, result) -> {
            if (calls.incrementAndGet() == 1) {
                throw new IllegalStateException("first result");
            }
            add(id, result);
        };
        try (TestEngine engine = new TestEngine(answer(200, ""), answer(200, TestEngine.MODELS));
                WorkerProber prober =
                        new WorkerProber(OFTEN, TestEngine.targets(() -> fleet), moody, ThreadLocalRandom::current)) {
            fleet = List.of(engine.worker("w"));
            prober.start();
            await(new Seen("w", new Healthy(Set.of("tiny"))));
        }
    }

    @Test
    void tellsAFleetWhichWorkersServe() throws InterruptedException {
        BlockingQueue<WorkerStatus> changes = new LinkedBlockingQueue<>();
        try (TestEngine engine = new TestEngine(answer(200, ""), answer(200, TestEngine.MODELS))) {
            Fleet real = new Fleet(FleetSettings.defaults(), System::nanoTime, changes::add, () -> 0.5);
            real.replace(List.of(engine.worker("w")));
            try (WorkerProber prober = new WorkerProber(
                    OFTEN, TestEngine.targets(real::workers), real::onProbe, ThreadLocalRandom::current)) {
                prober.start();
                WorkerStatus status = changes.poll(20, TimeUnit.SECONDS);

                assertThat(status).isNotNull();
                assertThat(status.state()).isEqualTo(WorkerStatus.State.UP);
                assertThat(real.models()).containsExactly("tiny");
            }
        }
    }

    private WorkerProber prober(ProbeSettings settings) {
        return new WorkerProber(settings, TestEngine.targets(() -> fleet), this::add, ThreadLocalRandom::current);
    }

    private static @Nullable String keyOf(Worker worker) {
        if (worker.id().equals("broken")) {
            throw new IllegalStateException("no key file");
        }
        return null;
    }

    private void add(String id, Probe result) {
        seen.add(new Seen(id, result));
    }

    private void await(Seen expected) throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        @Nullable Seen last = null;
        while (!Objects.equals(last, expected)) {
            last = seen.poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
            assertThat(last).as("no " + expected + " before the deadline").isNotNull();
        }
    }

    /** One reported result. */
    private record Seen(String id, Probe result) {}
}
