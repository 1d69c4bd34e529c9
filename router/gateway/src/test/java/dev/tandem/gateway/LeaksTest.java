// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBufAllocator;
import org.junit.jupiter.api.Test;

/** Fails where a leak would be noticed by nobody. */
class LeaksTest {
    @Test
    void aBufferThatNobodyReleasesIsFound() throws InterruptedException {
        ByteBufAllocator.DEFAULT.buffer(1).touch("forgotten on purpose");

        assertThat(Leaks.taken("forgotten on purpose")).hasSize(1);
        assertThat(Leaks.taken("forgotten on purpose")).isEmpty();
    }

    @Test
    void aBufferThatIsReleasedIsNone() throws InterruptedException {
        ByteBufAllocator.DEFAULT.buffer(1).touch("released").release();

        assertThat(Leaks.taken("released")).isEmpty();
    }
}
