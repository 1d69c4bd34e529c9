// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.simulator.engine.VirtualEngine.Answer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Hand-overs inside the engine, without a network. */
class HandoverTest {
    private static final int BLOCK = 4;
    private static final Duration LEASE = Duration.ofSeconds(30);

    /** Another engine's blocks, handed out when the test says so. */
    private static final class Shelf implements Handover.Source {
        private final List<Handover.Block> blocks;
        private @Nullable Consumer<Handover.Fetched> waiter;
        private int wanted;
        private int cancelled;
        private int heartbeats;

        Shelf(List<Handover.Block> blocks) {
            this.blocks = blocks;
        }

        @Override
        public void fetch(int number, Consumer<Handover.Fetched> done) {
            wanted = number;
            waiter = done;
        }

        @Override
        public void cancel() {
            cancelled++;
        }

        @Override
        public void waiting() {
            heartbeats++;
        }

        void deliver() {
            List<Handover.Block> last = blocks.subList(blocks.size() - wanted, blocks.size());
            Objects.requireNonNull(waiter).accept(new Handover.Fetched(last, 0, 0));
        }
    }

    private static int[] prompt(int tokens) {
        return IntStream.range(0, tokens).map(i -> 300 + i).toArray();
    }

    private static VirtualEngine engine() {
        return new VirtualEngine(VirtualEngine.connected(BLOCK, 24));
    }

    /** Runs a prefill leg and returns the blocks that it leaves. */
    private static List<Handover.Block> prefill(VirtualEngine engine, int[] prompt) {
        List<Handover.Kept> kept = new ArrayList<>();
        engine.add(prompt, 1, new Handover.Keep("r", LEASE, kept::add));
        engine.runToEnd();
        assertThat(kept).hasSize(1);
        assertThat(kept.getFirst().computedTokens()).isEqualTo(prompt.length);
        return engine.core.memory().read(kept.getFirst().blocks());
    }

    private static List<Integer> alone(int[] prompt) {
        VirtualEngine engine = engine();
        Answer answer = engine.add(prompt, 6);
        engine.runToEnd();
        return answer.tokens;
    }

    @Test
    void promptsOfEveryLengthGoOver() {
        for (int length = 1; length <= 3 * BLOCK; length++) {
            Shelf shelf = new Shelf(prefill(engine(), prompt(length)));
            VirtualEngine decode = engine();
            Answer answer = decode.add(prompt(length), 6, new Handover.Fetch(shelf, 0));
            decode.step();
            assertThat(decode.stats.deferred()).isEqualTo(1);
            shelf.deliver();
            decode.runToEnd();
            assertThat(answer.tokens).as("%d tokens", length).isEqualTo(alone(prompt(length)));
            assertThat(answer.admitted).isEqualTo(new Admitted(length, length, 0, 0));
            assertThat(decode.stats.kvUsage()).isZero();
        }
    }

    @Test
    void theFirstTokenTellsWhenThePromptCameAndWhenItsKvDid() {
        Shelf shelf = new Shelf(prefill(engine(), prompt(11)));
        VirtualEngine decode = engine();
        decode.nowNanos = 5;
        Answer fetched = decode.add(prompt(11), 2, new Handover.Fetch(shelf, 0));
        decode.step();
        decode.nowNanos = 70;
        shelf.deliver();
        decode.nowNanos = 100;
        decode.runToEnd();
        assertThat(fetched.first).isEqualTo(new TokenListener.FirstToken(5, 70, 100, 11));

        Answer computed = decode.add(prompt(3), 2);
        decode.nowNanos = 120;
        decode.runToEnd();
        assertThat(computed.first).isEqualTo(new TokenListener.FirstToken(100, 100, 120, 0));
    }

    @Test
    void onlyWhatIsNotCachedIsFetched() {
        Shelf shelf = new Shelf(prefill(engine(), prompt(11)));
        VirtualEngine decode = engine();
        decode.add(prompt(8), 1);
        decode.runToEnd();
        Answer answer = decode.add(prompt(11), 6, new Handover.Fetch(shelf, -1));
        decode.step();
        assertThat(shelf.wanted).isEqualTo(1);
        shelf.deliver();
        decode.runToEnd();
        assertThat(answer.tokens).isEqualTo(alone(prompt(11)));
        assertThat(answer.admitted).isEqualTo(new Admitted(11, 3, 0, 11));
    }

    @Test
    void aChangedBlockChangesTheText() {
        List<Handover.Block> blocks = prefill(engine(), prompt(11));
        for (int i = 0; i < blocks.size(); i++) {
            List<Handover.Block> changed = new ArrayList<>(blocks);
            Handover.Block block = blocks.get(i);
            changed.set(i, new Handover.Block(block.content() + 1, block.tail() + 1, block.tailTokens()));
            Shelf shelf = new Shelf(changed);
            VirtualEngine decode = engine();
            Answer answer = decode.add(prompt(11), 6, new Handover.Fetch(shelf, 0));
            decode.step();
            shelf.deliver();
            decode.runToEnd();
            assertThat(answer.tokens).as("block %d", i).isNotEqualTo(alone(prompt(11)));
        }
    }

    @Test
    void keptBlocksAreUsedBlocksUntilTheLeaseEnds() {
        VirtualEngine engine = engine();
        prefill(engine, prompt(11));
        assertThat(engine.stats.kept()).isEqualTo(1);
        assertThat(engine.stats.kvUsage()).isEqualTo(3 / 24.0);
        engine.core.memory().expireKept(engine.nowNanos + LEASE.toNanos() - 1);
        assertThat(engine.stats.kept()).isEqualTo(1);
        engine.core.memory().expireKept(engine.nowNanos + LEASE.toNanos());
        assertThat(engine.stats.kept()).isZero();
        assertThat(engine.stats.kvUsage()).isZero();
        assertThat(engine.stats.count(EngineCounter.KV_EXPIRED)).isEqualTo(1);
        engine.core.memory().dropKept("r");
        assertThat(engine.stats.count(EngineCounter.LATE_NOTICES)).isEqualTo(1);
    }

    @Test
    void aHeartbeatLengthensTheLease() {
        VirtualEngine engine = engine();
        prefill(engine, prompt(11));
        long end = engine.nowNanos + LEASE.toNanos();
        engine.core.memory().extendKept("r", end + 5);
        engine.core.memory().extendKept("r", end - 5);
        engine.core.memory().expireKept(end + 4);
        assertThat(engine.stats.kept()).isEqualTo(1);
        engine.core.memory().dropKept("r");
        assertThat(engine.stats.kept()).isZero();
        assertThat(engine.stats.count(EngineCounter.LATE_NOTICES)).isZero();
    }

    @Test
    void anAbortedPrefillLegKeepsNothing() {
        VirtualEngine engine = engine();
        Answer answer = engine.add(prompt(11), 5, new Handover.Keep("r", LEASE, kept -> {}));
        engine.step();
        engine.core.abort(Objects.requireNonNull(answer.sequence));
        assertThat(engine.stats.kept()).isZero();
        assertThat(engine.stats.kvUsage()).isZero();
    }

    @Test
    void whoWaitsInTheQueueSaysSoAndWhoLeavesItToo() {
        VirtualEngine engine = engine();
        for (int i = 0; i < 4; i++) {
            engine.add(prompt(3), 40);
        }
        Shelf shelf = new Shelf(List.of());
        Answer waiting = engine.add(prompt(5), 1, new Handover.Fetch(shelf, 0));
        engine.step();
        assertThat(shelf.heartbeats).isZero();
        engine.nowNanos += Duration.ofSeconds(6).toNanos();
        engine.step();
        engine.step();
        assertThat(shelf.heartbeats).isEqualTo(1);
        engine.core.abort(Objects.requireNonNull(waiting.sequence));
        assertThat(shelf.cancelled).isEqualTo(1);
    }

    @Test
    void aRequestThatIsAbortedWhileItsKvComesLeavesNothingBehind() {
        Shelf shelf = new Shelf(prefill(engine(), prompt(11)));
        VirtualEngine decode = engine();
        Answer answer = decode.add(prompt(11), 6, new Handover.Fetch(shelf, 0));
        decode.step();
        decode.core.abort(Objects.requireNonNull(answer.sequence));
        assertThat(decode.stats.kvUsage()).isZero();
        shelf.deliver();
        decode.runToEnd();
        assertThat(answer.tokens).isEmpty();
        assertThat(decode.stats.kvUsage()).isZero();
        assertThat(shelf.cancelled).as("the fetch itself gives the blocks back").isZero();
    }

    @Test
    void aBoundedFetchFailsWhenItsTimeIsOver() {
        Shelf shelf = new Shelf(prefill(engine(), prompt(11)));
        VirtualEngine decode = engine();
        Handover.Terms terms = new Handover.Terms(LEASE, false, true);
        Answer answer = decode.add(prompt(11), 6, new Handover.Fetch(shelf, 0, terms));
        decode.step();
        long begun = decode.nowNanos;
        assertThat(decode.core.nanosToExpiry(begun)).isEqualTo(LEASE.toNanos());
        decode.core.expireFetches(begun + LEASE.toNanos() - 1);
        assertThat(decode.stats.deferred()).isEqualTo(1);
        decode.core.expireFetches(begun + LEASE.toNanos());
        assertThat(answer.finish).isEqualTo(Finish.ERROR);
        assertThat(decode.stats.kvUsage()).isZero();
        assertThat(decode.stats.count(EngineCounter.FAILED_TRANSFERS)).isEqualTo(1);
        shelf.deliver();
        decode.runToEnd();
        assertThat(answer.tokens).as("what comes late is not wanted").isEmpty();
    }

    @Test
    void aPartialFetchTakesWhatComesAndComputesTheRest() {
        List<Handover.Block> blocks = prefill(engine(), prompt(11));
        for (int come = 0; come <= 2; come++) {
            VirtualEngine decode = engine();
            Shelf shelf = new Shelf(blocks.subList(0, come));
            Handover.Terms terms = new Handover.Terms(LEASE, true, false);
            Answer answer = decode.add(prompt(11), 6, new Handover.Fetch(shelf, -1, terms));
            decode.step();
            assertThat(shelf.wanted).isEqualTo(2);
            shelf.wanted = come;
            shelf.deliver();
            decode.runToEnd();
            assertThat(answer.tokens).as("%d blocks", come).isEqualTo(alone(prompt(11)));
            assertThat(answer.admitted.externalTokens()).isEqualTo(come * BLOCK);
            assertThat(decode.stats.count(EngineCounter.EXTERNAL_HITS)).isEqualTo((long) come * BLOCK);
            assertThat(decode.stats.count(EngineCounter.PROMPT_COMPUTED)).isEqualTo(11 - (long) come * BLOCK);
        }
    }

    @Test
    void aPromptThatEndedByItselfIsNotAlwaysKept() {
        VirtualEngine engine = engine();
        Answer first = engine.add(prompt(11), 1);
        engine.runToEnd();
        Limits limits = new Limits(1, 0, false, Set.of(first.tokens.getFirst()));
        List<Handover.Kept> kept = new ArrayList<>();
        Handover keep = new Handover.Keep("r", LEASE, false, kept::add);
        engine.core.add(new SequenceRequest(prompt(11), "", 0, limits, null, true, keep, new Answer(engine)), 0);
        engine.runToEnd();
        assertThat(kept).isEmpty();
        assertThat(engine.stats.kept()).isZero();
        assertThat(engine.stats.kvUsage()).isZero();
    }
}
