// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import dev.tandem.core.fleet.Probe;
import dev.tandem.core.fleet.Worker;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.resources.ConnectionProvider;

/**
 * Probes every worker of the fleet on a fixed beat and reports each result. Thread-safe.
 *
 * <p>The list of workers is read anew each round, so that a changed fleet is followed. A worker has at most one probe
 * at a time: one that hangs misses rounds and delays nobody else. Results are reported on event loops.
 */
public final class WorkerProber implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WorkerProber.class);
    private static final int MAX_PROBES_PER_ROUND = 256;
    private static final double JITTER = 0.2;

    private final ProbeSettings settings;
    private final ProbeTargets targets;
    private final BiConsumer<String, Probe> results;
    private final Supplier<? extends RandomGenerator> random;
    private final ConnectionProvider connections;
    private final HttpProbe probe;
    private final Set<String> running = ConcurrentHashMap.newKeySet();
    private final Disposable.Swap rounds = Disposables.swap();

    /**
     * Makes a prober that does nothing before {@link #start}.
     *
     * @param settings beat and time-out
     * @param targets who is probed
     * @param results gets the worker's id and what was found; must not block
     * @param random spreads the probes of a round; asked on the thread that uses it
     */
    public WorkerProber(
            ProbeSettings settings,
            ProbeTargets targets,
            BiConsumer<String, Probe> results,
            Supplier<? extends RandomGenerator> random) {
        this.settings = settings;
        this.targets = targets;
        this.results = results;
        this.random = random;
        // Idle connections are closed between rounds: a probe that connects anew also tells whether the worker accepts.
        this.connections = ConnectionProvider.builder("tandem-probe")
                .maxConnections(2)
                .pendingAcquireMaxCount(2)
                .pendingAcquireTimeout(settings.timeout())
                .maxIdleTime(settings.interval().dividedBy(2))
                .build();
        this.probe = new HttpProbe(connections, settings, targets);
    }

    /** Starts the first round at once, the others on the beat. A second call starts anew. */
    public void start() {
        rounds.update(Flux.interval(Duration.ZERO, settings.interval())
                .onBackpressureDrop()
                .flatMap(this::round, Integer.MAX_VALUE)
                .subscribe());
    }

    /** A hand-over from a worker has failed: its next probe finds out whether another engine is in its place. */
    public void doubt(String workerId) {
        probe.doubt(workerId);
    }

    /** Ends all probes; none is reported afterwards by a round that has not begun. */
    @Override
    public void close() {
        rounds.dispose();
        connections.dispose();
    }

    private Flux<Probe> round(long number) {
        return Flux.defer(() -> Flux.fromIterable(targets.workers().get()))
                .filter(worker -> running.add(worker.id()))
                .flatMap(worker -> probe(worker, delay(number)), MAX_PROBES_PER_ROUND)
                .onErrorResume(error -> {
                    LOG.error("probe round failed", error);
                    return Mono.empty();
                });
    }

    private Mono<Probe> probe(Worker worker, Duration delay) {
        return Mono.delay(delay)
                .then(Mono.defer(() -> probe.probe(worker)))
                .doOnNext(result -> report(worker.id(), result))
                .onErrorResume(error -> {
                    LOG.error("probe failed worker={}", worker.id(), error);
                    return Mono.empty();
                })
                .doFinally(signal -> running.remove(worker.id()));
    }

    // The first round does not wait: until it has ended, no worker gets a request.
    private Duration delay(long round) {
        double share = round == 0 ? 0 : random.get().nextDouble() * JITTER;
        return Duration.ofNanos((long) (settings.interval().toNanos() * share));
    }

    private void report(String id, Probe result) {
        LOG.debug("worker probed worker={} result={}", id, result);
        try {
            results.accept(id, result);
        } catch (RuntimeException e) {
            LOG.error("probe result refused worker={}", id, e);
        }
    }
}
