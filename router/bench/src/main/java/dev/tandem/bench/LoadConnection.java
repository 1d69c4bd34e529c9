// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One client connection, one request at a time; compares every answer with what must come. Confined to its event loop.
 */
final class LoadConnection extends ChannelInboundHandlerAdapter implements HttpReader.Sink {
    private final HttpReader reader = new HttpReader(true, this);
    private final Load load;
    private @Nullable ChannelHandlerContext context;
    private boolean busy;
    private boolean abandoned;
    private boolean wrong;
    private int prompt;
    private int received;
    private long sentNanos;

    LoadConnection(Load load) {
        this.load = load;
    }

    /** Returns whether a request waits for the end of its answer. */
    boolean busy() {
        return busy;
    }

    /** Sends the request with this prompt. */
    void send(int promptIndex) {
        busy = true;
        wrong = false;
        prompt = promptIndex;
        received = 0;
        sentNanos = System.nanoTime();
        ChannelHandlerContext ctx = Objects.requireNonNull(context);
        var unused = ctx.writeAndFlush(load.script(promptIndex).request().duplicate(), ctx.voidPromise());
    }

    /** Closes the connection without counting a fault. */
    void abandon() {
        abandoned = true;
        var unused = Objects.requireNonNull(context).close();
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        context = ctx;
        load.onIdle(this);
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        ByteBuf data = (ByteBuf) message;
        try {
            if (!abandoned) {
                reader.read(data);
            }
        } finally {
            data.release();
        }
    }

    @Override
    public void onHead(byte[] head, int length) {
        boolean ok = length > 12 && head[9] == '2' && head[10] == '0' && head[11] == '0';
        if (!busy) {
            throw new IllegalStateException("answer without a request");
        }
        if (!ok && !wrong) {
            wrong = true;
            load.counts()
                    .onFailed(new String(head, 0, Math.min(length, 40), StandardCharsets.ISO_8859_1)
                            .lines()
                            .findFirst()
                            .orElse(""));
        }
        if (ok) {
            String seen = HttpReader.header(head, length, WorkerConnection.BODY_SEEN);
            if (!seen.isEmpty()) {
                load.counts().onBodySeen(seen.equals(load.script(prompt).bodySeen()));
            }
        }
    }

    @Override
    public void onBody(ByteBuf data, int index, int length) {
        if (wrong || length == 0) {
            return;
        }
        ByteBuf expected = load.script(prompt).answer();
        if (received == 0) {
            load.counts().onFirstByte(System.nanoTime() - sentNanos);
        }
        if (received + length > expected.readableBytes()
                || !ByteBufUtil.equals(expected, received, data, index, length)) {
            wrong = true;
            load.counts()
                    .onChanged("answer " + prompt + " differs in bytes " + received + " to " + (received + length)
                            + " of " + expected.readableBytes());
            return;
        }
        int before = received / Traffic.EVENT_BYTES;
        received += length;
        load.counts().onEvents(received / Traffic.EVENT_BYTES - before);
    }

    @Override
    public void onEnd(boolean keepAlive) {
        busy = false;
        load.counts().onAnswered();
        if (!wrong && received != load.script(prompt).answer().readableBytes()) {
            load.counts().onChanged("answer " + prompt + " ends after " + received + " bytes");
        }
        if (keepAlive) {
            load.onIdle(this);
        } else {
            var unused = Objects.requireNonNull(context).close();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        boolean proper = reader.endsHere() && !busy;
        if (!proper && !abandoned) {
            busy = false;
            load.counts().onFailed("connection closed after " + received + " bytes of an answer");
        }
        load.onClosed(this, !proper);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (!abandoned) {
            load.counts().onFailed(cause.toString());
            abandoned = true;
        }
        busy = false;
        var unused = ctx.close();
    }
}
