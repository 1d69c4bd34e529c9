// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.util.ReferenceCountUtil;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/** Reads a body whole without copying it, within a limit per body and one for all bodies together. Thread-safe. */
public final class BodyCollector {
    /** Reading through a larger one would hold up the other connections of an event loop. */
    private static final int LARGE_BYTES = 256 * 1024;

    private final long maxBytes;
    private final long maxBytesInFlight;
    private final Scheduler compute;
    private final AtomicLong inFlight = new AtomicLong();

    /**
     * Makes a collector.
     *
     * @param maxBytes most bytes of one body
     * @param maxBytesInFlight most bytes of all bodies that are being read or wait for their answer
     * @param compute where large bodies are handed out, to be scanned there
     */
    public BodyCollector(long maxBytes, long maxBytesInFlight, Scheduler compute) {
        this.maxBytes = maxBytes;
        this.maxBytesInFlight = maxBytesInFlight;
        this.compute = compute;
    }

    /**
     * Collects a body.
     *
     * @param announced length that the client announced, or -1
     * @param chunks the body; buffers are borrowed
     * @return one buffer that belongs to the subscriber, or an error {@code REQUEST_TOO_LARGE} or {@code OVERLOADED}
     */
    public Mono<ByteBuf> collect(long announced, Flux<ByteBuf> chunks) {
        if (announced > maxBytes) {
            return Mono.error(tooLarge());
        }
        return chunks.collect(Collected::new, Collected::add)
                .doOnDiscard(Collected.class, Collected::release)
                .map(Collected::whole)
                .flatMap(this::handedOut);
    }

    private Mono<ByteBuf> handedOut(ByteBuf body) {
        return body.readableBytes() > LARGE_BYTES ? onCompute(body) : Mono.just(body);
    }

    /** Reactor drops what waits for another thread when the client leaves; here somebody owns it meanwhile. */
    private Mono<ByteBuf> onCompute(ByteBuf body) {
        AtomicReference<@Nullable ByteBuf> owned = new AtomicReference<>(body);
        return Mono.fromSupplier(() -> owned.getAndSet(null))
                .subscribeOn(compute)
                .doOnCancel(() -> ReferenceCountUtil.release(owned.getAndSet(null)));
    }

    /** Returns the bytes of bodies that are held now. */
    public long bytesInFlight() {
        return inFlight.get();
    }

    private FailureException tooLarge() {
        return new FailureException(Failure.REQUEST_TOO_LARGE, "body: more than " + maxBytes + " bytes");
    }

    /** The chunks that have come so far. */
    private final class Collected {
        private final CompositeByteBuf chunks = new Counted();

        private void add(ByteBuf chunk) {
            int size = chunk.readableBytes();
            if (chunks.readableBytes() + (long) size > maxBytes) {
                throw tooLarge();
            }
            if (inFlight.addAndGet(size) > maxBytesInFlight) {
                inFlight.addAndGet(-size);
                throw new FailureException(Failure.OVERLOADED, "too many bytes of requests are being held");
            }
            chunks.addComponent(true, chunk.retain());
        }

        private ByteBuf whole() {
            return chunks;
        }

        private void release() {
            chunks.release();
        }
    }

    /** Takes its bytes off the account when its last owner lets go. */
    private final class Counted extends CompositeByteBuf {
        private Counted() {
            super(Unpooled.EMPTY_BUFFER.alloc(), true, Integer.MAX_VALUE);
        }

        @Override
        protected void deallocate() {
            int size = writerIndex();
            super.deallocate();
            inFlight.addAndGet(-size);
        }
    }
}
