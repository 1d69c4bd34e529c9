// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * One connection of a fake worker. Confined to its event loop.
 *
 * <p>It drains the request, remembers the first bytes for the marker and the last bytes for fields that a proxy may
 * have moved behind the prompt, and answers. The header {@link #BODY_SEEN} of every answer tells size and CRC-32C of
 * the body that arrived, so that the client knows whether its bytes were passed on as they were.
 */
final class WorkerConnection extends ChannelInboundHandlerAdapter implements HttpReader.Sink {
    /** Response header with size and checksum of the request body, {@code 1024-89abcdef}. */
    static final String BODY_SEEN = "x-bench-body";

    private static final byte[] STREAM = Traffic.ascii("\"stream\":true");
    private static final byte[] TOKEN_IDS = Traffic.ascii("\"return_token_ids\":true");
    private static final int KEPT = 2_048;

    /** Bytes by which a leg's edits may shorten a body. */
    private static final int EDIT_SLACK = 64;

    private final HttpReader reader = new HttpReader(false, this);
    private final WorkerAnswers answers;
    private final byte[] first = new byte[KEPT];
    private final byte[] last = new byte[KEPT];
    private final CRC32C checksum = new CRC32C();
    private int firstLength;
    private int lastLength;
    private long bodyLength;
    private String path = "";

    private @Nullable ChannelHandlerContext context;
    private Shape.@Nullable Found stream;
    private boolean ids;
    private boolean held;
    private int nextEvent;
    private long nextNanos;

    WorkerConnection(WorkerAnswers answers) {
        this.answers = answers;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        context = ctx;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        ByteBuf data = (ByteBuf) message;
        try {
            reader.read(data);
        } finally {
            data.release();
        }
    }

    @Override
    public void onHead(byte[] head, int length) {
        firstLength = 0;
        lastLength = 0;
        bodyLength = 0;
        checksum.reset();
        int from = 0;
        while (head[from] != ' ') {
            from++;
        }
        int to = ++from;
        while (head[to] != ' ' && head[to] != '?') {
            to++;
        }
        path = new String(head, from, to - from, StandardCharsets.ISO_8859_1);
    }

    @Override
    public void onBody(ByteBuf data, int index, int length) {
        bodyLength += length;
        checksum.update(data.nioBuffer(index, length));
        int head = Math.min(length, KEPT - firstLength);
        data.getBytes(index, first, firstLength, head);
        firstLength += head;
        int tail = Math.min(length, KEPT);
        int kept = Math.min(lastLength, KEPT - tail);
        System.arraycopy(last, lastLength - kept, last, 0, kept);
        data.getBytes(index + length - tail, last, kept, tail);
        lastLength = kept + tail;
    }

    @Override
    public void onEnd(boolean keepAlive) {
        ChannelHandlerContext ctx = java.util.Objects.requireNonNull(context);
        if (!path.equals("/v1/chat/completions") && !path.equals("/v1/completions")) {
            send(ctx, answers.other(path));
            return;
        }
        Shape.Found found;
        try {
            found = Shape.find(first, firstLength);
        } catch (IllegalArgumentException e) {
            send(ctx, answers.refused("no marker"));
            return;
        }
        if (bodyLength < found.shape().bodyBytes() - EDIT_SLACK) {
            send(ctx, answers.refused("body too short"));
        } else if (asksForStream()) {
            begin(ctx, found);
        } else {
            send(ctx, answers.json(found.prompt(), bodySeen()));
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        Shape.Found running = stream;
        if (running != null && held && ctx.channel().isWritable()) {
            held = false;
            step(ctx, running);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        stream = null;
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        stream = null;
        var unused = ctx.close();
    }

    private boolean asksForStream() {
        return has(STREAM);
    }

    private boolean has(byte[] field) {
        return Shape.indexOf(first, firstLength, field) >= 0 || Shape.indexOf(last, lastLength, field) >= 0;
    }

    private String bodySeen() {
        return bodyLength + "-" + Long.toHexString(checksum.getValue());
    }

    private void begin(ChannelHandlerContext ctx, Shape.Found found) {
        stream = found;
        ids = has(TOKEN_IDS);
        held = false;
        nextEvent = 0;
        var unused = ctx.write(answers.streamHead(bodySeen()));
        nextNanos = System.nanoTime();
        step(ctx, found);
    }

    /** Writes one event and plans the next; without a pause it is the loop's next turn, so that streams interleave. */
    private void step(ChannelHandlerContext ctx, Shape.Found running) {
        if (stream == null) {
            return;
        }
        if (!ctx.channel().isWritable()) {
            held = true;
            return;
        }
        if (nextEvent == running.shape().events()) {
            finish(ctx, running);
            return;
        }
        send(ctx, answers.event(running.prompt(), nextEvent++, ids));
        if (running.shape().pauseMicros() == 0) {
            ctx.executor().execute(() -> step(ctx, running));
            return;
        }
        nextNanos += TimeUnit.MICROSECONDS.toNanos(running.shape().pauseMicros());
        var unused =
                ctx.executor().schedule(() -> step(ctx, running), nextNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
    }

    private void finish(ChannelHandlerContext ctx, Shape.Found running) {
        stream = null;
        send(ctx, answers.streamEnd(running.prompt(), running.shape().events()));
    }

    private static void send(ChannelHandlerContext ctx, ByteBuf data) {
        var unused = ctx.writeAndFlush(data, ctx.voidPromise());
    }
}
