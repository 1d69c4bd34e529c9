// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** Clients of one subject that ask side by side, each the next thing when it has its answer. Used by one thread. */
final class Clients {
    private static final AtomicInteger NUMBERS = new AtomicInteger();

    private final String pool;
    private final Supplier<Asker> makeAsker;

    /**
     * How much is asked.
     *
     * @param clients Clients side by side.
     * @param unmeasured Asks with which each of them begins.
     * @param nanos Time after which none of them asks any more, without those.
     * @param most Most asks of each, without those.
     */
    record Amount(int clients, int unmeasured, long nanos, int most) {}

    /**
     * What came of it.
     *
     * @param measured What counts.
     * @param others What they began with.
     */
    record Asked(List<Exchange> measured, List<Exchange> others) {
        int size() {
            return measured.size() + others.size();
        }

        /** Returns the first fault; empty if there is none. */
        String fault() {
            return Stream.concat(measured.stream(), others.stream())
                    .map(Exchange::fault)
                    .filter(fault -> !fault.isEmpty())
                    .findFirst()
                    .orElse("");
        }

        private void add(Asked other) {
            measured.addAll(other.measured);
            others.addAll(other.others);
        }
    }

    Clients(String pool, Supplier<Asker> makeAsker) {
        this.pool = pool;
        this.makeAsker = makeAsker;
    }

    /** Asks and returns when all is answered. */
    Asked run(Amount amount) throws IOException {
        Asked all = new Asked(new ArrayList<>(), new ArrayList<>());
        try (ExecutorService threads = Executors.newFixedThreadPool(amount.clients())) {
            List<Future<Asked>> clients = new ArrayList<>();
            for (int i = 0; i < amount.clients(); i++) {
                clients.add(threads.submit(() -> one(amount)));
            }
            for (Future<Asked> client : clients) {
                all.add(client.get());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } catch (ExecutionException e) {
            throw new IOException("client: " + e.getCause(), e);
        }
        return all;
    }

    private Asked one(Amount amount) {
        Asked asked = new Asked(new ArrayList<>(), new ArrayList<>());
        try (Asker asker = makeAsker.get()) {
            for (int i = 0; i < amount.unmeasured(); i++) {
                asked.others.add(ask(asker));
            }
            long end = System.nanoTime() + amount.nanos();
            while (System.nanoTime() < end && asked.measured.size() < amount.most()) {
                asked.measured.add(ask(asker));
            }
        }
        return asked;
    }

    private Exchange ask(Asker asker) {
        Ask ask = new Ask(NUMBERS.incrementAndGet(), pool);
        try {
            return Exchange.of(ask.number(), asker.ask(ask));
        } catch (IOException e) {
            asker.close();
            return Exchange.failed(ask.number(), e);
        }
    }
}
