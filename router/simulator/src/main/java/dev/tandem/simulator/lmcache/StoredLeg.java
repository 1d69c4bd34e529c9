// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.lmcache;

import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.transfer.Leg;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** A request of which a router is told when it is complete: before its HTTP answer or after it. Thread-safe. */
final class StoredLeg implements Leg {
    private final boolean early;
    private final Notice tell;
    private final Runnable abort;
    private final AtomicBoolean complete = new AtomicBoolean();

    /** Tells the router. */
    interface Notice {
        CompletionStage<Void> send();
    }

    /**
     * Makes a leg.
     *
     * @param early The answer waits until the router has been told.
     * @param tell Tells it.
     * @param abort What happens instead at the end of a request that was not completed.
     */
    StoredLeg(boolean early, Notice tell, Runnable abort) {
        this.early = early;
        this.tell = tell;
        this.abort = abort;
    }

    @Override
    public @Nullable Handover handover(int choice) {
        return null;
    }

    @Override
    public CompletionStage<Void> completed() {
        complete.set(true);
        return early ? tell.send() : CompletableFuture.completedFuture(null);
    }

    @Override
    public void ended() {
        if (!complete.get()) {
            abort.run();
        } else if (!early) {
            tell.send();
        }
    }
}
