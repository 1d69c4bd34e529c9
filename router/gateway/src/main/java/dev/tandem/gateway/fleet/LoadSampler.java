// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import dev.tandem.core.fleet.EngineLoads;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.health.Saturation;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.resources.ConnectionProvider;

/**
 * Asks every engine on a fixed beat how loaded it is. Thread-safe.
 *
 * <p>Workers that are ranks of one server are asked for by one question, and a server is asked one question at a time.
 * What does not come, or is not understood, is no answer: what was said before grows old.
 */
public final class LoadSampler implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LoadSampler.class);
    private static final int CONNECTIONS = 2;
    private static final int MAX_QUESTIONS_PER_ROUND = 256;

    private final ProbeSettings settings;
    private final EngineLoads loads;
    private final Function<Worker, @Nullable String> apiKeys;
    private final Runnable afterwards;
    private final ConnectionProvider connections;
    private final ProbeClient engines;
    private final Set<URI> asked = ConcurrentHashMap.newKeySet();
    private final Disposable.Swap rounds = Disposables.swap();

    /**
     * Makes a sampler that does nothing before {@link #start}.
     *
     * @param settings beat, and longest wait for an answer
     * @param loads gets the answers
     * @param apiKeys the API key of a worker, or null
     * @param afterwards called on every beat and behind every answer
     */
    public LoadSampler(
            ProbeSettings settings,
            EngineLoads loads,
            Function<Worker, @Nullable String> apiKeys,
            Runnable afterwards) {
        this.settings = settings;
        this.loads = loads;
        this.apiKeys = apiKeys;
        this.afterwards = afterwards;
        this.connections = ConnectionProvider.create("tandem-load", CONNECTIONS);
        this.engines = new ProbeClient(connections, settings.timeout());
    }

    /** Starts the first round one beat from now. A second call starts anew. */
    public void start() {
        rounds.update(Flux.interval(settings.interval())
                .onBackpressureDrop()
                .flatMap(beat -> round(), Integer.MAX_VALUE)
                .subscribe());
    }

    /** Asks nobody any more. */
    @Override
    public void close() {
        rounds.dispose();
        connections.dispose();
    }

    private Mono<Void> round() {
        return Flux.defer(() -> Flux.fromIterable(servers().entrySet()))
                .filter(server -> asked.add(server.getKey()))
                .flatMap(server -> ask(server.getKey(), server.getValue()), MAX_QUESTIONS_PER_ROUND)
                .then(Mono.fromRunnable(afterwards))
                .onErrorResume(error -> {
                    LOG.error("round of questions failed", error);
                    return Mono.empty();
                })
                .then();
    }

    private Map<URI, List<Worker>> servers() {
        return loads.fleet().workers().stream().collect(Collectors.groupingBy(Worker::baseUrl));
    }

    private Mono<Void> ask(URI server, List<Worker> ranks) {
        Worker first = ranks.getFirst();
        List<Asked> questions = new ArrayList<>();
        ranks.forEach(rank -> questions.add(new Asked(rank, loads.ask(rank))));
        return engines.get(first, "/metrics", "metrics", apiKeys.apply(first))
                .doOnNext(body -> {
                    LoadMetrics metrics = new LoadMetrics(new String(body, StandardCharsets.UTF_8));
                    questions.forEach(question -> question.answer(metrics));
                    afterwards.run();
                })
                .onErrorComplete()
                .doFinally(signal -> asked.remove(server))
                .then();
    }

    /** What is asked of one worker. */
    private record Asked(Worker worker, Saturation.Question question) {
        private void answer(LoadMetrics metrics) {
            metrics.of(worker.rank()).ifPresent(question::answered);
        }
    }
}
