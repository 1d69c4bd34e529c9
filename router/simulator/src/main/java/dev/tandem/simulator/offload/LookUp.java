// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.offload;

import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.engine.Handover.Fetched;
import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.peer.RemoteEngine;
import dev.tandem.simulator.peer.RemoteSource;
import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes what another engine happens to have cached of a prompt's start. Thread-safe; a virtual thread waits. */
final class LookUp implements Handover.Source {
    private static final Logger log = LoggerFactory.getLogger(LookUp.class);

    private final RemoteSource.Connection door;
    private final int[] prompt;
    private final String salt;
    private final int fullBlocks;

    LookUp(RemoteSource.Connection door, GenerateRequest request, int choice, int blockSize) {
        this.door = door;
        this.prompt = request.promptOf(choice).tokens();
        this.salt = request.salt();
        this.fullBlocks = (prompt.length - 1) / blockSize;
    }

    @Override
    public void fetch(int wanted, Consumer<Fetched> done) {
        Thread.startVirtualThread(() -> done.accept(fetched(wanted)));
    }

    @Override
    public void cancel() {}

    @Override
    public void waiting() {}

    private Fetched fetched(int wanted) {
        long start = System.nanoTime();
        try (RemoteEngine remote = door.open()) {
            long connected = System.nanoTime();
            List<Handover.Block> cached = remote.lookUp(prompt, salt);
            int from = Math.min(fullBlocks - wanted, cached.size());
            return new Fetched(cached.subList(from, cached.size()), connected - start, System.nanoTime() - connected);
        } catch (IOException e) {
            log.warn("KV look-up failed reason={}", e.getMessage());
            return Fetched.FAILED;
        }
    }
}
