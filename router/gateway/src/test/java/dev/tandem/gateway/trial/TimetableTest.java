// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.trial;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.disagg.KvConnectors;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.EngineVersion;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.lifecycle.TrialListener.Finding;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class TimetableTest {
    private static final TrialPair A = pair("p1", "d1", "0.31.0");
    private static final TrialPair B = pair("p2", "d2", "0.31.0");
    private static final TrialPair C = pair("p1", "d2", "0.31.0");

    private final AtomicLong now = new AtomicLong();
    private final SplittableRandom random = new SplittableRandom(5);
    private final Timetable timetable = new Timetable(
            new TrialSettings(Duration.ofMinutes(10), 400, Duration.ofMinutes(1), 2), now::get, () -> random);

    @Test
    void onlySoManyTrialsRunAtATime() {
        List<TrialPair> all = List.of(A, B, C);

        assertThat(timetable.due(all)).containsExactly(A, B);
        assertThat(timetable.due(all)).isEmpty();
        timetable.ended(A, Finding.EQUAL);
        assertThat(timetable.due(all)).containsExactly(C);
    }

    @Test
    void aPairIsTriedAgainAfterTheIntervalGiveOrTakeAFifth() {
        tried(A, Finding.EQUAL);

        after(Duration.ofMinutes(8).minusSeconds(1));
        assertThat(timetable.due(List.of(A))).isEmpty();
        after(Duration.ofMinutes(4).plusSeconds(2));
        assertThat(timetable.due(List.of(A))).containsExactly(A);
    }

    @Test
    void aFailedTrialIsRepeatedSooner() {
        tried(A, Finding.FAILED);

        after(Duration.ofSeconds(47));
        assertThat(timetable.due(List.of(A))).isEmpty();
        after(Duration.ofSeconds(26));
        assertThat(timetable.due(List.of(A))).containsExactly(A);
    }

    @Test
    void aPairThatWasAwayIsDueAtOnce() {
        tried(A, Finding.EQUAL);

        assertThat(timetable.due(List.of())).isEmpty();
        assertThat(timetable.due(List.of(A))).containsExactly(A);
    }

    @Test
    void anotherEngineIsDueAtOnce() {
        tried(A, Finding.EQUAL);
        TrialPair upgraded = pair("p1", "d1", "0.32.0");

        assertThat(timetable.due(List.of(upgraded))).containsExactly(upgraded);
    }

    @Test
    void anEngineThatChangesDuringItsTrialIsTriedAgain() {
        TrialPair upgraded = pair("p1", "d1", "0.32.0");
        assertThat(timetable.due(List.of(A))).containsExactly(A);
        assertThat(timetable.due(List.of(upgraded))).isEmpty();

        timetable.ended(A, Finding.EQUAL);

        assertThat(timetable.due(List.of(upgraded))).containsExactly(upgraded);
    }

    @Test
    void remembersTheFindingBefore() {
        assertThat(timetable.due(List.of(A))).containsExactly(A);
        assertThat(timetable.ended(A, Finding.DIFFERENT)).isNull();
        assertThat(timetable.ended(A, Finding.EQUAL)).isEqualTo(Finding.DIFFERENT);
        assertThat(timetable.ended(B, Finding.EQUAL)).isNull();
    }

    private void tried(TrialPair pair, Finding finding) {
        assertThat(timetable.due(List.of(pair))).containsExactly(pair);
        timetable.ended(pair, finding);
    }

    private void after(Duration time) {
        now.addAndGet(time.toNanos());
    }

    private static TrialPair pair(String prefill, String decode, String version) {
        TrialPair.Engine engine = new TrialPair.Engine(EngineFacts.UNKNOWN.running(new EngineVersion(version)), 1);
        return new TrialPair(
                new Worker(prefill, URI.create("http://127.0.0.1:1"), Role.PREFILL),
                new Worker(decode, URI.create("http://127.0.0.1:2"), Role.DECODE),
                KvConnectors.named("nixl").orElseThrow(),
                "tiny",
                new TrialPair.Engines(engine, engine));
    }
}
