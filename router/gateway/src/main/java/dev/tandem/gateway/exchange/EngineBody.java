// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import dev.tandem.core.health.ForwardProgress;
import io.netty.buffer.ByteBuf;
import java.util.concurrent.Executor;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Operators;

/**
 * The body of an engine's answer, whose reader may leave at any time and from any thread; each buffer belongs to the
 * reader.
 *
 * <p>Leaving closes the connection as a task of its event loop. Closed at once, in the midst of a batch of events, its
 * file descriptor could go to a new connection, which would then get an event that was meant for the old one, and fail
 * before it is connected: {@code NotYetConnectedException}, netty/netty#10298. A request that fails so is still sent.
 */
final class EngineBody extends Flux<ByteBuf> {
    private final Flux<ByteBuf> received;
    private final Executor eventLoop;
    private final ForwardProgress.Answer progress;

    /**
     * Makes a body.
     *
     * @param received the pieces, each released when it has been passed on
     * @param eventLoop runs tasks of the connection
     * @param progress is told what is wanted and what comes
     */
    EngineBody(Flux<ByteBuf> received, Executor eventLoop, ForwardProgress.Answer progress) {
        this.progress = progress;
        this.received = received;
        this.eventLoop = eventLoop;
    }

    @Override
    public void subscribe(CoreSubscriber<? super ByteBuf> reader) {
        received.subscribe(new Reading(reader));
    }

    private final class Reading implements CoreSubscriber<ByteBuf>, Subscription {
        private final CoreSubscriber<? super ByteBuf> reader;
        private Subscription upstream = Operators.emptySubscription();
        private volatile boolean left;

        private Reading(CoreSubscriber<? super ByteBuf> reader) {
            this.reader = reader;
        }

        @Override
        public void onSubscribe(Subscription subscription) {
            upstream = subscription;
            reader.onSubscribe(this);
        }

        @Override
        public void onNext(ByteBuf piece) {
            progress.came();
            if (!left) {
                reader.onNext(piece.retain());
            }
        }

        @Override
        public void onError(Throwable thrown) {
            progress.over();
            if (!left) {
                reader.onError(thrown);
            }
        }

        @Override
        public void onComplete() {
            progress.over();
            if (!left) {
                reader.onComplete();
            }
        }

        @Override
        public void request(long n) {
            progress.wanted(n);
            upstream.request(n);
        }

        @Override
        public void cancel() {
            left = true;
            progress.over();
            eventLoop.execute(upstream::cancel);
        }
    }
}
