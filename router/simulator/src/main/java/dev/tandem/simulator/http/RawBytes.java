// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Sits between the HTTP codec and the socket and tampers with the bytes that leave: breaks off after some bytes of the
 * body, or lets the first bytes leave one by one. Confined to the connection's event loop.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a write that fails here meets a client that has left
final class RawBytes extends ChannelOutboundHandlerAdapter {
    /** How an answer breaks off. */
    enum Break {
        /** TCP reset. */
        RESET,
        /** Orderly close. */
        CLOSE,
        /** Nothing more comes; the connection stays. */
        SILENCE,
        /** It does not break off. */
        NONE
    }

    private static final byte[] HEADER_END = {'\r', '\n', '\r', '\n'};
    /** Lets the peer read what came before a reset, which discards what is unread. */
    private static final long BEFORE_RESET_MILLIS = 20;

    private final Break how;
    private final long pauseNanos;
    /** Bytes of the body that still may leave before the break. */
    private long bodyLeft;
    /** Bytes that still leave one by one. */
    private int slowLeft;

    private boolean broken;
    private int headerMatched;
    private long delayNanos;

    private RawBytes(Break how, long bodyLeft, int slowLeft, Duration pause) {
        this.how = how;
        this.bodyLeft = bodyLeft;
        this.slowLeft = slowLeft;
        this.pauseNanos = pause.toNanos();
    }

    static RawBytes breakAfter(int bodyBytes, Break how) {
        return new RawBytes(how, bodyBytes, 0, Duration.ZERO);
    }

    static RawBytes trickle(int bytes, Duration pause) {
        return new RawBytes(Break.NONE, 0, bytes, pause);
    }

    /** Sends a TCP reset. */
    static void reset(Channel channel) {
        if (channel.isOpen()) {
            channel.config().setOption(ChannelOption.SO_LINGER, 0);
            channel.close();
        }
    }

    /** Writes bytes to the socket in segments, past the HTTP codec; a millisecond apart, so that they stay segments. */
    static void send(Channel channel, Faults.RawAnswer answer) {
        channel.config().setOption(ChannelOption.TCP_NODELAY, true);
        sendSegment(channel, answer, 0, 0);
    }

    private static void sendSegment(Channel channel, Faults.RawAnswer answer, int from, int index) {
        int left = answer.bytes().length - from;
        int length = index < answer.segments().length ? Math.min(answer.segments()[index], left) : left;
        ByteBuf bytes = Unpooled.wrappedBuffer(answer.bytes(), from, length);
        channel.pipeline().firstContext().writeAndFlush(bytes).addListener((ChannelFutureListener) sent -> {
            if (length < left && sent.isSuccess()) {
                Runnable next = () -> sendSegment(channel, answer, from + length, index + 1);
                channel.eventLoop().schedule(next, 1, TimeUnit.MILLISECONDS);
            }
        });
    }

    @Override
    public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) throws Exception {
        if (!(message instanceof ByteBuf bytes)) {
            super.write(ctx, message, promise);
        } else if (how != Break.NONE) {
            writeUntilBreak(ctx, bytes, promise);
        } else if (slowLeft > 0 || delayNanos > 0) {
            writeSlowly(ctx, bytes, promise);
        } else {
            ctx.write(bytes, promise);
        }
    }

    private void writeUntilBreak(ChannelHandlerContext ctx, ByteBuf bytes, ChannelPromise promise) {
        if (broken) {
            bytes.release();
            return;
        }
        int head = headerBytes(bytes);
        int body = bytes.readableBytes() - head;
        if (body <= bodyLeft) {
            bodyLeft -= body;
            ctx.write(bytes, promise);
            return;
        }
        broken = true;
        ByteBuf allowed = bytes.readRetainedSlice(head + (int) bodyLeft);
        bytes.release();
        ctx.writeAndFlush(allowed).addListener(sent -> breakOff(ctx));
    }

    private void breakOff(ChannelHandlerContext ctx) {
        switch (how) {
            case RESET ->
                ctx.executor().schedule(() -> reset(ctx.channel()), BEFORE_RESET_MILLIS, TimeUnit.MILLISECONDS);
            case CLOSE -> ctx.close();
            case SILENCE, NONE -> {}
        }
    }

    /** Returns how many of these bytes belong to the headers. */
    private int headerBytes(ByteBuf bytes) {
        int at = 0;
        while (headerMatched < HEADER_END.length && at < bytes.readableBytes()) {
            byte b = bytes.getByte(bytes.readerIndex() + at++);
            headerMatched = b == HEADER_END[headerMatched] ? headerMatched + 1 : b == '\r' ? 1 : 0;
        }
        return at;
    }

    private void writeSlowly(ChannelHandlerContext ctx, ByteBuf bytes, ChannelPromise promise) {
        while (slowLeft > 0 && bytes.isReadable()) {
            slowLeft--;
            later(ctx, bytes.readRetainedSlice(1), ctx.newPromise());
            delayNanos += pauseNanos;
        }
        later(ctx, bytes, promise);
    }

    /** Keeps the order: what comes after slow bytes waits for them. */
    private void later(ChannelHandlerContext ctx, ByteBuf bytes, ChannelPromise promise) {
        ctx.executor().schedule(() -> ctx.writeAndFlush(bytes, promise), delayNanos, TimeUnit.NANOSECONDS);
    }
}
