// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Schedulers;

class BodyCollectorTest {
    private static final int LARGE = 300_000;

    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private final BodyCollector collector =
            new BodyCollector(1_000_000, 1_000_000, Schedulers.fromExecutor(tasks::add));
    private final List<ByteBuf> bodies = new ArrayList<>();

    private Disposable collect(int bytes) {
        ByteBuf chunk = Unpooled.buffer(bytes).writeZero(bytes);
        return collector
                .collect(-1, Flux.just(chunk).doFinally(end -> chunk.release()))
                .subscribe(bodies::add);
    }

    @Test
    void aSmallBodyIsHandedOutAtOnce() {
        collect(1_000);

        assertThat(tasks).isEmpty();
        assertThat(bodies).singleElement().returns(1_000, ByteBuf::readableBytes);
        bodies.getFirst().release();
        assertThat(collector.bytesInFlight()).isZero();
    }

    @Test
    void aLargeBodyIsHandedOutElsewhere() {
        collect(LARGE);
        assertThat(bodies).isEmpty();

        Objects.requireNonNull(tasks.poll()).run();
        assertThat(bodies).singleElement().returns(LARGE, ByteBuf::readableBytes);
        bodies.getFirst().release();
        assertThat(collector.bytesInFlight()).isZero();
    }

    @Test
    void whoLeavesMeanwhileLeavesNoBody() {
        Disposable client = collect(LARGE);
        assertThat(collector.bytesInFlight()).isEqualTo(LARGE);

        client.dispose();

        assertThat(collector.bytesInFlight()).isZero();
        tasks.forEach(Runnable::run);
        assertThat(bodies).isEmpty();
    }
}
