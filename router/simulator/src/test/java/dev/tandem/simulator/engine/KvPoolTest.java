// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class KvPoolTest {
    private final KvPool pool = new KvPool(3);

    private KvBlock filled(long key) {
        KvBlock block = Objects.requireNonNull(pool.allocate());
        pool.publish(block, key, key);
        return block;
    }

    @Test
    void findsReleasedBlocksUntilTheyAreNeeded() {
        KvBlock block = filled(1);
        pool.release(block);
        assertThat(pool.free()).isEqualTo(3);
        assertThat(pool.find(1)).isSameAs(block);
        assertThat(pool.free()).isEqualTo(2);
    }

    @Test
    void evictsTheBlockThatWasReleasedFirst() {
        KvBlock first = filled(1);
        KvBlock second = filled(2);
        KvBlock third = filled(3);
        pool.release(second);
        pool.release(third);
        pool.release(first);
        pool.allocate();
        assertThat(pool.find(2)).isNull();
        assertThat(pool.find(3)).isSameAs(third);
        assertThat(pool.find(1)).isSameAs(first);
    }

    @Test
    void useMakesABlockYoungAgain() {
        List<KvBlock> blocks = new ArrayList<>(List.of(filled(1), filled(2), filled(3)));
        blocks.forEach(pool::release);
        pool.release(Objects.requireNonNull(pool.find(1)));
        pool.allocate();
        assertThat(pool.find(2)).isNull();
        assertThat(pool.find(1)).isNotNull();
    }

    @Test
    void neverEvictsBlocksInUse() {
        filled(1);
        filled(2);
        KvBlock third = filled(3);
        assertThat(pool.allocate()).isNull();
        pool.release(third);
        assertThat(pool.allocate()).isSameAs(third);
        assertThat(pool.find(1)).isNotNull();
    }

    @Test
    void sharedBlocksAreFreeOnlyAfterTheLastRelease() {
        KvBlock block = filled(1);
        pool.find(1);
        pool.release(block);
        assertThat(pool.used()).isEqualTo(1);
        pool.release(block);
        assertThat(pool.used()).isZero();
    }

    @Test
    void theFirstOfTwoEqualBlocksIsFound() {
        KvBlock first = filled(1);
        KvBlock second = filled(1);
        assertThat(pool.find(1)).isSameAs(first).isNotSameAs(second);
    }
}
