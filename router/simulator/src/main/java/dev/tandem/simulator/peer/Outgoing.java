// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.peer;

import dev.tandem.simulator.engine.Engine;
import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.transfer.InternalId;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** The KV of a prompt that leaves its engine as soon as its answer ends, and is not kept longer. Thread-safe. */
public final class Outgoing {
    /** The blocks are read at once; only an engine that is stuck needs so long. */
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final Engine engine;
    private final String name;
    private final int blocks;
    private final CompletableFuture<List<Handover.Block>> contents = new CompletableFuture<>();

    /** Prepares one answer of a request to leave its prompt's blocks under an unused name. */
    public Outgoing(Engine engine, GenerateRequest request, int choice) {
        int size = engine.shape().blockSize();
        this.engine = engine;
        this.name = InternalId.random(request, choice);
        this.blocks = (request.promptOf(choice).tokens().length + size - 1) / size;
    }

    /** Returns what the engine is told. */
    public Handover handover() {
        return new Handover.Keep(name, PATIENCE, this::read);
    }

    /** Returns the prompt's blocks, once the answer has ended; never if it is aborted. */
    public CompletableFuture<List<Handover.Block>> contents() {
        return contents;
    }

    private void read(Handover.Kept kept) {
        int end = Math.min(blocks, kept.blocks().size());
        CompletionStage<List<Handover.Block>> read = engine.read(kept.blocks().subList(0, end));
        read.thenAccept(found -> {
            engine.dropKept(name);
            contents.complete(found);
        });
    }
}
