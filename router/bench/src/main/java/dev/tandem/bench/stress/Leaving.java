// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import dev.tandem.bench.Samples;
import dev.tandem.bench.stress.field.Caller;
import dev.tandem.bench.stress.field.Crowd;
import dev.tandem.bench.stress.field.Field;
import dev.tandem.bench.stress.field.Wish;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Clients that leave in the midst of their streams, one after the other and all at once: when does the engine see it?
 *
 * @param single How many leave one after the other.
 * @param together How many leave at once.
 */
record Leaving(int single, int together) implements OneGateway {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final int LONG = 3_600;

    @Override
    public String name() {
        return "leaving";
    }

    @Override
    public String what() {
        return single + " clients that leave one after the other, then " + together + " at once";
    }

    @Override
    public Outcome run(Field field) throws InterruptedException {
        Samples micros = new Samples();
        int unseen = 0;
        for (int i = 0; i < single; i++) {
            long left = leave(field, i);
            double seen = left == 0 ? Double.NaN : field.gone().millis(i, left, PATIENCE);
            if (Double.isNaN(seen)) {
                unseen++;
            } else {
                micros.add((long) (seen * 1e3));
            }
        }
        double last = allAtOnce(field);
        return new Outcome()
                .atMost("one after the other: not seen by the engine", unseen, 0)
                .atMost("one after the other: p99 until the engine sees it", micros.quantile(0.99) / 1e3, 50, "ms")
                .atMost(together + " at once: until the engine sees the last", last, 1_000, "ms");
    }

    private static long leave(Field field, int id) {
        try {
            Caller caller = opened(field, id);
            long now = System.nanoTime();
            caller.close();
            return now;
        } catch (IOException e) {
            return 0;
        }
    }

    private static Caller opened(Field field, int id) throws IOException {
        Caller caller = Caller.open(field.port()).patience(PATIENCE);
        caller.send(Wish.drip(id, LONG, 5));
        if (!caller.streams()) {
            caller.close();
            throw new IOException("refused");
        }
        caller.event();
        return caller;
    }

    private double allAtOnce(Field field) throws InterruptedException {
        Crowd crowd = new Crowd();
        List<Caller> callers = new ArrayList<>();
        for (int i = 0; i < together; i++) {
            int id = single + i;
            crowd.add(() -> {
                Caller caller = Caller.open(field.port()).patience(PATIENCE);
                caller.send(Wish.drip(id, LONG, 1_000));
                caller.streams();
                synchronized (callers) {
                    callers.add(caller);
                }
            });
        }
        crowd.await();
        long left = System.nanoTime();
        for (Caller caller : callers) {
            try {
                caller.close();
            } catch (IOException e) {
                crowd.noteFailed(e.toString());
            }
        }
        double last = field.gone().millisToLast(single + together, left, PATIENCE);
        return crowd.failed() == 0 && callers.size() == together ? last : Double.POSITIVE_INFINITY;
    }
}
