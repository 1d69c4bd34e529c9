// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import dev.tandem.gateway.handover.Notices.Rank;
import java.util.BitSet;
import java.util.function.Consumer;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;

/**
 * What one attempt waits to hear from engines. Thread-safe; what comes before somebody asks is kept.
 *
 * <p>Once closed it hears nothing more: whoever waits for notices then waits for ever, and needs a time limit anyway.
 */
public final class Awaited implements AutoCloseable {
    private final Sinks.Many<Progress> progress = Sinks.many().replay().latest();
    private final Sinks.One<String> call = Sinks.one();
    private final Sinks.One<Boolean> prefill = Sinks.one();
    private final BitSet ranks = new BitSet(); // guarded by this, as are the two below
    private int nameless;
    private int announced;
    private final Scheduler scheduler;
    private final Consumer<Awaited> onClose;

    Awaited(Scheduler scheduler, Consumer<Awaited> onClose) {
        this.scheduler = scheduler;
        this.onClose = onClose;
    }

    /**
     * Completes when so many notices have come, or more if they themselves say how many there will be.
     *
     * <p>A rank counts once, however often it tells; a notice that names no rank always counts.
     */
    public Mono<Void> arrived(int count) {
        return progress.asFlux()
                .filter(now -> now.arrived() >= Math.max(count, now.announced()))
                .next()
                .publishOn(scheduler)
                .then();
    }

    /** Emits the JSON object with which the decode worker asks for the KV cache; of several calls, the first. */
    public Mono<String> callback() {
        return call.asMono().publishOn(scheduler);
    }

    /** Answers the decode worker's call, now or when it comes. Only the first answer counts. */
    public void prefillEnded(boolean well) {
        prefill.tryEmitValue(well);
    }

    /** Stops waiting; a call that has not been answered is answered as if prefill had failed. Idempotent. */
    @Override
    public void close() {
        onClose.accept(this);
        prefillEnded(false);
    }

    synchronized void onNotice() {
        nameless++;
        tell();
    }

    synchronized void onStored(Rank rank) {
        ranks.set(rank.number());
        announced = Math.max(announced, rank.of());
        tell();
    }

    Mono<Boolean> onCallback(String json) {
        call.tryEmitValue(json);
        return prefill.asMono();
    }

    private void tell() {
        progress.tryEmitNext(new Progress(nameless + ranks.cardinality(), announced));
    }

    private record Progress(int arrived, int announced) {}
}
