// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.health.ForwardProgress;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.test.publisher.TestPublisher;

class EngineBodyTest {
    private final TestPublisher<ByteBuf> connection = TestPublisher.create();
    private final ForwardProgress progress = new ForwardProgress(() -> 0);
    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private final EngineBody body = new EngineBody(connection.flux(), tasks::add, progress.expect(true));
    private final List<ByteBuf> read = new ArrayList<>();

    private static ByteBuf piece() {
        return Unpooled.copiedBuffer("piece", StandardCharsets.US_ASCII);
    }

    @Test
    void eachPieceBelongsToTheReader() {
        body.subscribe(read::add);
        ByteBuf piece = piece();
        connection.next(piece).complete();

        assertThat(read).containsExactly(piece);
        assertThat(piece.refCnt()).isEqualTo(2);
    }

    @Test
    void aReaderThatLeavesClosesTheConnectionInATaskOfItsEventLoop() {
        Disposable reader = body.subscribe(read::add);
        reader.dispose();

        connection.assertNotCancelled();
        tasks.remove().run();
        connection.assertCancelled();
    }

    @Test
    void whatComesBehindAReaderThatHasLeftStaysWithTheConnection() {
        Disposable reader = body.subscribe(read::add);
        reader.dispose();
        ByteBuf piece = piece();
        connection.next(piece);

        assertThat(read).isEmpty();
        assertThat(piece.refCnt()).isOne();
    }
}
