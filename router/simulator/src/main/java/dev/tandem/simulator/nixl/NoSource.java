// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.nixl;

import dev.tandem.simulator.engine.Handover;
import java.util.function.Consumer;

/**
 * KV that nobody fetches although the request waits for it: so a prefill leg ends that names blocks of a decode engine
 * where {@code bidirectional_kv_xfer} is off. Source: {@code pull_scheduler.py} of vLLM 0.32.0, read 2026-11-22.
 */
final class NoSource implements Handover.Source {
    @Override
    public void fetch(int blocks, Consumer<Handover.Fetched> done) {
        // for ever
    }

    @Override
    public void cancel() {
        // nobody knows of the request
    }

    @Override
    public void waiting() {
        // nobody knows of the request
    }
}
