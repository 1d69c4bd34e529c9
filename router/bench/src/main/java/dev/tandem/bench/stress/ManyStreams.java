// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import dev.tandem.bench.stress.field.Caller;
import dev.tandem.bench.stress.field.Crowd;
import dev.tandem.bench.stress.field.Field;
import dev.tandem.bench.stress.field.Vitals;
import dev.tandem.bench.stress.field.Wish;
import java.io.IOException;
import java.time.Duration;

/**
 * Very many streams at a time, an event a second each.
 *
 * @param streams How many.
 * @param seconds How long each lasts once all are open.
 */
record ManyStreams(int streams, int seconds) implements OneGateway {
    private static final int OPENED_PER_SECOND = 500;
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @Override
    public String name() {
        return "streams";
    }

    @Override
    public String what() {
        return streams + " SSE streams, one event a second each, for " + seconds + " s after the last was opened";
    }

    @Override
    public Outcome run(Field field) throws InterruptedException {
        Crowd crowd = new Crowd();
        int opening = streams / OPENED_PER_SECOND + 1;
        for (int i = 0; i < streams; i++) {
            Wish wish = Wish.drip(i, seconds + opening - i / OPENED_PER_SECOND, 1_000);
            crowd.add(() -> follow(field, wish, crowd));
            if (i % OPENED_PER_SECOND == OPENED_PER_SECOND - 1) {
                Thread.sleep(1_000);
            }
        }
        crowd.await();
        return new Outcome()
                .atLeast("streams complete, event by event", crowd.done(), streams)
                .atMost("streams broken or refused", crowd.failed() + crowd.refused(), 0)
                .seen("median of how late a stream's latest event comes, both ends included", crowd.millis(0.5), "ms")
                .atMost("resident memory", field.vitals().most(Vitals.Sample::residentKib) / 1024.0, 1_024, "MiB");
    }

    private static void follow(Field field, Wish wish, Crowd crowd) throws IOException {
        try (Caller caller = Caller.open(field.port()).patience(PATIENCE)) {
            caller.send(wish);
            if (!caller.streams()) {
                crowd.noteRefused(0);
                return;
            }
            int events = 0;
            long latest = 0;
            long last = System.nanoTime();
            String end = "";
            for (String event = caller.event(); !event.isEmpty(); event = caller.event()) {
                long now = System.nanoTime();
                if (events > 0 && !event.contains("[DONE]")) {
                    latest = Math.max(
                            latest,
                            now - last - Duration.ofMillis(wish.millis()).toNanos());
                }
                last = now;
                events += Wish.events(event);
                end = event;
            }
            if (end.contains("[DONE]") && events == wish.count()) {
                crowd.noteDone(latest);
            } else {
                crowd.noteFailed("a stream of " + events + " events, not " + wish.count() + ", at last: " + end.trim());
            }
        }
    }
}
