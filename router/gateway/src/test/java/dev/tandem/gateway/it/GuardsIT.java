// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.Leaks;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.EventLoop;
import java.io.IOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.http.client.ReactorResourceFactory;
import reactor.netty.resources.LoopResources;

/** What {@link GatewayRig#assertNothingLeft()} looks for is found where the gateway of the tests runs. */
final class GuardsIT {
    private static final String ON_PURPOSE = "forgotten on an event loop, on purpose";

    private final RawEngine engine = RawEngine.start("tiny");
    private final GatewayRig rig =
            GatewayRig.setup().worker("u1", engine.url(), Role.UNIFIED).start();

    GuardsIT() throws IOException {}

    @AfterEach
    void stop() throws IOException {
        rig.assertNothingLeft();
        engine.close();
        rig.close();
    }

    @Test
    void aCallThatBlocksAnEventLoopIsFound() throws ExecutionException, InterruptedException {
        eventLoop().submit(() -> LockSupport.parkNanos(1)).get();

        assertThatThrownBy(rig::assertNothingLeft).hasMessageContaining("LockSupport.parkNanos");
    }

    @Test
    void aBufferThatNobodyReleasesIsFound() throws ExecutionException, InterruptedException {
        eventLoop()
                .submit(() -> ByteBufAllocator.DEFAULT.buffer(1).touch(ON_PURPOSE))
                .get();

        assertThat(Leaks.taken(ON_PURPOSE)).hasSize(1);
    }

    private EventLoop eventLoop() {
        LoopResources loops = rig.bean(ReactorResourceFactory.class).getLoopResources();
        return loops.onServer(LoopResources.DEFAULT_NATIVE).next();
    }
}
