// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.ReferenceCountUtil;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Head of an engine's answer, and its body, which is read once or abandoned. Confined to one request. */
public final class EngineAnswer {
    private final int status;
    private final HttpHeaders headers;
    private final Flux<ByteBuf> body;
    private final Runnable abandon;
    private final Supplier<UsageReport> usage;
    private final @Nullable ByteBuf whole;
    private final AtomicBoolean settled = new AtomicBoolean();

    /**
     * Makes an answer.
     *
     * @param status HTTP status
     * @param headers as the engine sent them
     * @param body the bytes; each buffer belongs to the subscriber; cancelling closes the connection
     * @param abandon gives back what an unread body holds
     */
    public EngineAnswer(int status, HttpHeaders headers, Flux<ByteBuf> body, Runnable abandon) {
        this(status, headers, body, abandon, () -> UsageReport.NONE, null);
    }

    private EngineAnswer(
            int status,
            HttpHeaders headers,
            Flux<ByteBuf> body,
            Runnable abandon,
            Supplier<UsageReport> usage,
            @Nullable ByteBuf whole) {
        this.status = status;
        this.headers = headers;
        this.body = body;
        this.abandon = abandon;
        this.usage = usage;
        this.whole = whole;
    }

    /** Returns the same answer, read to its end, without what engines say to each other. */
    public EngineAnswer whole(ByteBuf all) {
        AnswerTap tap = new AnswerTap();
        tap.accept(all);
        UsageReport said = tap.usage();
        return read(tap.mayNameKv() ? HandoverFields.hide(all) : all, () -> said);
    }

    private EngineAnswer read(ByteBuf all, Supplier<UsageReport> said) {
        HttpHeaders own = all.readableBytes() == contentLength()
                ? headers
                : headers.copy().set(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(all.readableBytes()));
        return new EngineAnswer(status, own, given(all), all::release, said, all);
    }

    /** A reader who leaves before it has asked gets nothing, and Reactor's own source would forget the buffer then. */
    private static Flux<ByteBuf> given(ByteBuf all) {
        AtomicReference<@Nullable ByteBuf> owned = new AtomicReference<>(all);
        return Mono.fromSupplier(() -> owned.getAndSet(null))
                .doOnCancel(() -> ReferenceCountUtil.release(owned.getAndSet(null)))
                .doOnDiscard(ByteBuf.class, ByteBuf::release)
                .flux();
    }

    /** Returns the same answer, whose body is read from elsewhere. */
    public EngineAnswer streaming(Flux<ByteBuf> source, Runnable giveUp) {
        return new EngineAnswer(status, headers, source, giveUp, usage, null);
    }

    /**
     * Reads the body to its end; the buffer belongs to the subscriber.
     *
     * @param most longest body in bytes; a longer one fails with {@code ENGINE_ERROR}
     */
    public Mono<ByteBuf> all(int most) {
        return body().<CompositeByteBuf>collect(Unpooled::compositeBuffer, (all, part) -> {
                    all.addComponent(true, part);
                    if (all.readableBytes() > most) {
                        throw new FailureException(Failure.ENGINE_ERROR, "the worker's answer is too long");
                    }
                })
                .doOnDiscard(ByteBuf.class, ByteBuf::release)
                .cast(ByteBuf.class);
    }

    /**
     * Reads the answer to its end.
     *
     * @param most as in {@link #all}
     * @return the same answer, whose body nobody has to release
     */
    public Mono<EngineAnswer> unpooled(int most) {
        return all(most).map(all -> {
            try {
                return whole(Unpooled.copiedBuffer(all));
            } finally {
                all.release();
            }
        });
    }

    /**
     * Returns the same answer as a client is to see it; its {@link #usage()} stays what the engine has said. Nothing is
     * read ahead, and an answer that was read to its end has a length.
     */
    public EngineAnswer shownWith(List<Substitution> changes) {
        if (changes.isEmpty()) {
            return this;
        }
        if (whole != null) {
            return settled.compareAndSet(false, true) ? changed(whole, changes) : this;
        }
        AnswerTap said = new AnswerTap();
        Flux<ByteBuf> shown = Flux.defer(this::body).doOnNext(said::accept);
        for (Substitution change : changes) {
            shown = change.in(shown);
        }
        HttpHeaders own = headers.copy().remove(HttpHeaderNames.CONTENT_LENGTH);
        return new EngineAnswer(status, own, shown, this::abandon, said::usage, null);
    }

    private EngineAnswer changed(ByteBuf all, List<Substitution> changes) {
        ByteBuf shown = all;
        for (Substitution change : changes) {
            shown = change.in(shown);
        }
        return read(shown, usage);
    }

    /** Returns an answer whose body is made from the whole of this one; the rewriter borrows its argument. */
    public EngineAnswer rewritten(Function<ByteBuf, ByteBuf> rewrite) {
        HttpHeaders own = headers.copy().remove(HttpHeaderNames.CONTENT_LENGTH);
        Flux<ByteBuf> rewritten = all(Integer.MAX_VALUE)
                .map(all -> {
                    try {
                        return rewrite.apply(all);
                    } finally {
                        all.release();
                    }
                })
                .flux();
        return new EngineAnswer(status, own, rewritten, this::abandon, usage, null);
    }

    /** Whether an answer that was read to its end says that the engine has given it up. */
    public boolean givenUp() {
        return whole != null && GivenUp.in(whole.toString(WholeEvents.BYTES));
    }

    /** Returns what the engine has said of the tokens it used, as far as it is known before the answer is relayed. */
    public UsageReport usage() {
        return usage.get();
    }

    /** Returns the HTTP status. */
    public int status() {
        return status;
    }

    /** Returns the headers as the engine sent them. */
    public HttpHeaders headers() {
        return headers;
    }

    /** Returns the announced length of the body in bytes, or -1. */
    public long contentLength() {
        String length = headers.get(HttpHeaderNames.CONTENT_LENGTH);
        return length == null || length.length() > 18 ? -1 : Long.parseLong(length);
    }

    /**
     * Returns the body, which can be subscribed to once; from then on {@link #abandon()} does nothing. A body that was
     * never subscribed to, because the client had left by then, is still there to be abandoned.
     */
    public Flux<ByteBuf> body() {
        return Flux.defer(() -> settled.compareAndSet(false, true)
                ? body
                : Flux.error(new IllegalStateException("body: taken or abandoned before")));
    }

    /** Gives the answer up if nobody reads its body; idempotent. */
    public void abandon() {
        if (settled.compareAndSet(false, true)) {
            abandon.run();
        }
    }

    /** Whether the engine did what it was asked to do. */
    public boolean successful() {
        return status >= 200 && status < 300;
    }

    /**
     * Whether the engine found fault with the request itself, not with its own state. 501 is such an answer: vLLM and
     * llama-server say so of what their model or their start options do not support.
     */
    public boolean rejected() {
        return (status >= 400 && status < 500 && status != 429) || status == 501;
    }
}
