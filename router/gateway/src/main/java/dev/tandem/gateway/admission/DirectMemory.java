// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.admission;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.lifecycle.EdgeListener;
import dev.tandem.core.lifecycle.EdgeListener.Rejection;
import java.util.function.LongSupplier;
import reactor.core.publisher.Mono;

/**
 * The memory outside the heap in which requests and answers lie: lets no request begin while it is short. Thread-safe;
 * as long as there is enough, a look costs one read.
 *
 * <p>What counts is what Netty has reserved, because Netty fails whoever wants more than the limit. That alone would
 * not do: what large buffers once needed its allocator keeps for later ones, for ever, so the most that was ever
 * reserved may lie idle. Memory is short only if what the gateway serves could hold as much. Source: Netty 4.2.18, of
 * whose reserved memory nothing came back when all buffers of 64 KiB were released.
 */
public final class DirectMemory {
    /** Most that an answer holds: one that is read whole, or what is read ahead of a client that does not read. */
    private static final long BYTES_OF_ANSWER = 1 << 20;

    /** A body lies there as it came, and once more on its way to the engine if something in it is changed. */
    private static final int COPIES_OF_BODY = 2;

    private final long most;
    private final LongSupplier reserved;
    private final LongSupplier holdable;
    private final EdgeListener listener;

    /**
     * Watches the memory.
     *
     * @param most most bytes with which a request may still begin
     * @param reserved bytes that are reserved now; below 0 if unknown, which is never too much
     * @param holdable most bytes that what is served now can hold; asked only if more than {@code most} is reserved
     * @param listener learns of who is turned away
     */
    public DirectMemory(long most, LongSupplier reserved, LongSupplier holdable, EdgeListener listener) {
        this.most = most;
        this.reserved = reserved;
        this.holdable = holdable;
        this.listener = listener;
    }

    /** Returns the most bytes that so many running requests, and bodies of so many bytes, can hold. */
    public static long holdable(int running, long bodyBytes) {
        return running * BYTES_OF_ANSWER + COPIES_OF_BODY * bodyBytes;
    }

    /** Returns the work, or an error {@code OVERLOADED} in its place while memory is short. */
    public <T> Mono<T> before(Mono<T> work) {
        if (reserved.getAsLong() <= most || holdable.getAsLong() <= most) {
            return work;
        }
        listener.onRejected(Rejection.DIRECT_MEMORY);
        return Mono.error(new FailureException(Failure.OVERLOADED, "too little memory is left for another request"));
    }
}
