// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import java.util.ArrayList;
import java.util.List;

/**
 * What stands before gateways that come and go, as a Kubernetes service does: new connections go to one that was ready
 * when it was last asked. Thread-safe.
 */
public final class Balancer implements AutoCloseable {
    private static final long EVERY_MILLIS = 500;

    private final List<Gateway> gateways = new ArrayList<>();
    private final Thread prober;
    private List<Gateway> ready = List.of();
    private int turn;

    private Balancer() {
        prober = Thread.ofPlatform().daemon().name("prober").unstarted(this::probe);
    }

    public static Balancer start() {
        Balancer balancer = new Balancer();
        balancer.prober.start();
        return balancer;
    }

    /** Adds a gateway. */
    public synchronized void add(Gateway gateway) {
        gateways.add(gateway);
    }

    /** Takes away one that has ended. */
    public synchronized void remove(Gateway gateway) {
        gateways.remove(gateway);
    }

    /** Returns the port for a new connection, and waits for one. */
    public synchronized int port() throws InterruptedException {
        while (ready.isEmpty()) {
            wait();
        }
        return ready.get(Math.floorMod(turn++, ready.size())).port();
    }

    private void probe() {
        try {
            while (true) {
                List<Gateway> found = known().stream().filter(Gateway::ready).toList();
                set(found);
                Thread.sleep(EVERY_MILLIS);
            }
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized List<Gateway> known() {
        return List.copyOf(gateways);
    }

    private synchronized void set(List<Gateway> found) {
        ready = found;
        notifyAll();
    }

    @Override
    public void close() {
        prober.interrupt();
    }
}
