// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.meeting;

import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.engine.Handover.Fetched;
import dev.tandem.simulator.peer.Host;
import dev.tandem.simulator.peer.RemoteEngine;
import dev.tandem.simulator.peer.RemoteSource;
import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A decode leg that comes for the KV of the prefill leg of the same name. Thread-safe; a virtual thread waits. */
public final class Visit implements Handover.Source {
    private static final Logger log = LoggerFactory.getLogger(Visit.class);

    private final RemoteSource.Connection door;
    private final String name;
    private final Manners manners;
    private @Nullable RemoteEngine inside;
    private boolean over;

    /**
     * What the request learns and wants.
     *
     * @param failsAtDoor It fails if the prefill engine cannot be reached; otherwise it goes on waiting.
     * @param failsInside It fails if the prefill engine is lost later; otherwise it goes on waiting.
     * @param saysGoodbye The prefill engine learns when the request leaves before it has got anything.
     * @param fullBlocks Number of full blocks to which a partial fetch is confined; -1 for all blocks of the prompt.
     */
    public record Manners(boolean failsAtDoor, boolean failsInside, boolean saysGoodbye, int fullBlocks) {}

    /** Makes a visit that has not begun. */
    public Visit(RemoteSource.Connection door, String name, Manners manners) {
        this.door = door;
        this.name = name;
        this.manners = manners;
    }

    @Override
    public void fetch(int wanted, Consumer<Fetched> done) {
        Thread.startVirtualThread(() -> {
            Fetched fetched = fetched(wanted);
            if (fetched != null) {
                done.accept(fetched);
            }
        });
    }

    @Override
    public void cancel() {
        if (manners.saysGoodbye()) {
            Thread.startVirtualThread(() -> {
                try (RemoteEngine remote = door.open()) {
                    remote.leave(name);
                } catch (IOException e) {
                    log.warn("KV notice failed name={} reason={}", name, e.getMessage());
                }
            });
        }
    }

    @Override
    public void waiting() {}

    @Override
    public void abandon() {
        RemoteEngine remote = leave();
        if (remote == null) {
            return;
        }
        Thread.startVirtualThread(() -> {
            try (remote) {
                remote.leave(name);
            } catch (IOException e) {
                log.warn("KV notice failed name={} reason={}", name, e.getMessage());
            }
        });
    }

    /** Returns null if the request is to go on waiting, or nobody needs the outcome. */
    private @Nullable Fetched fetched(int wanted) {
        long start = System.nanoTime();
        boolean met = false;
        try (RemoteEngine remote = door.open()) {
            if (!enter(remote)) {
                remote.leave(name);
                return null;
            }
            met = true;
            Host.Offer offer = remote.meet(name);
            long came = System.nanoTime();
            leave();
            done(remote, offer);
            List<Handover.Block> blocks = blocks(offer.blocks(), wanted);
            return blocks.isEmpty() && wanted > 0
                    ? Fetched.FAILED
                    : new Fetched(blocks, came - start, System.nanoTime() - came);
        } catch (IOException e) {
            log.warn("KV transfer failed name={} reason={}", name, e.getMessage());
            return (met ? manners.failsInside() : manners.failsAtDoor()) ? Fetched.FAILED : null;
        }
    }

    /** What was left stays until its time ends if this cannot be said. */
    private void done(RemoteEngine remote, Host.Offer offer) {
        try {
            remote.done(offer.hold());
        } catch (IOException e) {
            log.warn("KV notice failed name={} reason={}", name, e.getMessage());
        }
    }

    private List<Handover.Block> blocks(List<Handover.Block> offered, int wanted) {
        int all = manners.fullBlocks() < 0 ? offered.size() : manners.fullBlocks();
        int from = all - wanted;
        int to = Math.min(all, offered.size());
        return from < 0 || from > to ? List.of() : offered.subList(from, to);
    }

    private synchronized boolean enter(RemoteEngine remote) {
        inside = over ? null : remote;
        return !over;
    }

    private synchronized @Nullable RemoteEngine leave() {
        RemoteEngine remote = inside;
        inside = null;
        over = true;
        return remote;
    }
}
