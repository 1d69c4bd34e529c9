// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.core.publisher.Operators;

/**
 * Holds the head of a stream back until its first frame is known to be no error, so that a stream that fails before its
 * first token can still be had from another worker. Asks for no more than that; passes everything on unchanged.
 */
public final class Peek implements CoreSubscriber<ByteBuf> {
    private static final long ATTACHED = -1;
    private static final Object COMPLETE = new Object();

    private final EngineAnswer answer;
    private final MonoSink<EngineAnswer> sink;
    private final FirstFrame frame = new FirstFrame();
    private final List<ByteBuf> held = new ArrayList<>(1);
    private final AtomicBoolean taken = new AtomicBoolean();

    /** Null until the answer is read; then its reader, or how the stream ended before. */
    private final AtomicReference<@Nullable Object> end = new AtomicReference<>();

    /** Demand that came before the reader was attached, or {@link #ATTACHED}. */
    private final AtomicLong early = new AtomicLong();

    private volatile Subscription upstream = Operators.emptySubscription();
    private volatile boolean ready;

    private Peek(EngineAnswer answer, MonoSink<EngineAnswer> sink) {
        this.answer = answer;
        this.sink = sink;
    }

    /** Returns the same answer once its stream has begun well; or the failure that it began with. */
    public static Mono<EngineAnswer> at(EngineAnswer answer) {
        return Mono.create(sink -> {
            Peek peek = new Peek(answer, sink);
            sink.onCancel(peek::abandon);
            answer.body().subscribe(peek);
        });
    }

    @Override
    public void onSubscribe(Subscription subscription) {
        upstream = subscription;
        if (taken.get()) {
            subscription.cancel(); // given up before it began
        } else {
            subscription.request(1);
        }
    }

    @Override
    public void onNext(ByteBuf piece) {
        if (ready) {
            reader().onNext(piece);
            return;
        }
        if (!hold(piece)) {
            return;
        }
        switch (frame.accept(piece)) {
            case UNKNOWN -> upstream.request(1);
            case FAILED -> {
                abandon();
                FailureException failure = new FailureException(
                        Failure.ENGINE_ERROR, "the worker's stream began with an error, or is none");
                sink.error(DeadEngine.judged(failure, frame.seen()));
            }
            case BEGUN -> begin();
        }
    }

    private synchronized boolean hold(ByteBuf piece) {
        if (taken.get()) {
            piece.release();
            return false;
        }
        held.add(piece);
        return true;
    }

    @Override
    public void onError(Throwable thrown) {
        if (ready) {
            finish(thrown);
        } else {
            release();
            sink.error(thrown);
        }
    }

    @Override
    public void onComplete() {
        if (ready) {
            finish(COMPLETE);
        } else if (taken.get()) {
            sink.success(); // nobody waits any more
        } else if (!frame.whole()) {
            release();
            sink.error(new FailureException(Failure.ENGINE_DROPPED, "the worker ended its stream before it began"));
        } else {
            begin();
            finish(COMPLETE);
        }
    }

    private void begin() {
        ready = true;
        Flux<ByteBuf> body = Flux.defer(this::taken)
                .concatWith(new Rest())
                .doOnCancel(this::abandon)
                .doOnDiscard(ByteBuf.class, ByteBuf::release);
        sink.success(answer.streaming(body, this::abandon));
    }

    private Flux<ByteBuf> taken() {
        return taken.compareAndSet(false, true) ? Flux.fromIterable(held) : Flux.empty();
    }

    private void attach(CoreSubscriber<? super ByteBuf> reader) {
        reader.onSubscribe(new Demand());
        if (end.compareAndSet(null, reader)) {
            long before = early.getAndSet(ATTACHED);
            if (before > 0) {
                upstream.request(before);
            }
        } else {
            deliver(reader, end.get());
        }
    }

    private void finish(Object how) {
        Object before = end.getAndSet(how);
        if (before instanceof Subscriber<?> reader) {
            deliver(reader, how);
        }
    }

    private static void deliver(Subscriber<?> reader, @Nullable Object how) {
        if (how instanceof Throwable thrown) {
            reader.onError(thrown);
        } else {
            reader.onComplete();
        }
    }

    @SuppressWarnings("unchecked") // only readers of buffers attach
    private Subscriber<? super ByteBuf> reader() {
        return (Subscriber<? super ByteBuf>) Objects.requireNonNull(end.get());
    }

    private void abandon() {
        release();
        upstream.cancel();
    }

    private synchronized void release() {
        if (taken.compareAndSet(false, true)) {
            held.forEach(ByteBuf::release);
        }
    }

    /** What comes after the pieces that were held. */
    private final class Rest extends Flux<ByteBuf> {
        @Override
        public void subscribe(CoreSubscriber<? super ByteBuf> reader) {
            attach(reader);
        }
    }

    /** What the reader asks for goes to the engine's connection. */
    private final class Demand implements Subscription {
        @Override
        public void request(long n) {
            while (true) {
                long before = early.get();
                if (before == ATTACHED) {
                    upstream.request(n);
                    return;
                }
                if (early.compareAndSet(before, Operators.addCap(before, n))) {
                    return;
                }
            }
        }

        @Override
        public void cancel() {
            upstream.cancel();
        }
    }
}
