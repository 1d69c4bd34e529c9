// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import dev.tandem.core.lifecycle.EngineMessageListener.Verdict;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.timeout.ReadTimeoutHandler;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection of a ZeroMQ socket that sends to us: ZMTP 3 with the NULL mechanism. Confined to the connection's
 * thread.
 *
 * <p>Each side sends a greeting of 64 bytes, then the command READY with the type of its socket, then frames. A frame
 * is a byte of flags, its length in one byte or eight, and its body. Engines send messages of one frame; longer ones
 * are dropped frame by frame, so that a message without an end costs nothing. Identities are not looked at: nobody is
 * answered, and nobody can take another's. Source: rfc.zeromq.org/spec/23 (ZMTP 3.0), read 2026-11-21; heartbeats:
 * rfc.zeromq.org/spec/37 (ZMTP 3.1), tried with JeroMQ 0.6.0 on 2026-11-22.
 */
@SuppressWarnings("FutureReturnValueIgnored") // what is written is small, and a connection that fails is closed
final class ZmtpReceiver extends ByteToMessageDecoder {
    private static final Logger LOG = LoggerFactory.getLogger(ZmtpReceiver.class);

    /** Registrations and notices have a few hundred bytes. */
    static final int MOST_BYTES = 8 * 1024;

    /** Pings come every 3 s; who says nothing for longer than this is gone or a stranger. */
    static final int SILENCE_SECONDS = 10;

    private static final int GREETING_BYTES = 64;
    private static final int MORE = 1;
    private static final int LARGE = 2;
    private static final int COMMAND = 4;
    private static final int TTL_BYTES = 2;
    private static final int MOST_CONTEXT_BYTES = 16;
    private static final String READY = "READY";
    private static final String PING = "PING";
    private static final String PONG = "PONG";
    private static final String SOCKET_TYPE = "Socket-Type";

    /** Signature, version 3.0, mechanism, not a server, filler. */
    private static final byte[] GREETING = ByteBufUtil.decodeHexDump(
            "ff00000000000000017f" + "0300" + "4e554c4c" + "00".repeat(16) + "00" + "00".repeat(31));

    private final Kind kind;
    private final RateLimit rates;
    private final Inbox inbox;
    private State state = State.GREETING;
    private boolean inMessage;

    ZmtpReceiver(Kind kind, RateLimit rates, Inbox inbox) {
        this.kind = kind;
        this.rates = rates;
        this.inbox = inbox;
    }

    /** Which ZeroMQ socket we are. */
    enum Kind {
        /** Hears from peers that ping. */
        ROUTER("DEALER", true),
        /** Hears from peers that may be silent for hours. */
        PULL("PUSH", false);

        private final String peer;
        private final boolean pinged;

        Kind(String peer, boolean pinged) {
            this.peer = peer;
            this.pinged = pinged;
        }
    }

    private enum State {
        GREETING,
        HANDSHAKE,
        OPEN,
        CLOSED
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        context.writeAndFlush(Unpooled.wrappedBuffer(GREETING));
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        context.pipeline()
                .addBefore(context.name(), ReadTimeoutHandler.class.getName(), new ReadTimeoutHandler(SILENCE_SECONDS));
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (cause instanceof DecoderException) {
            LOG.warn("message of an engine failed", cause);
        }
        context.close();
    }

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
        switch (state) {
            case GREETING -> greeting(context, in);
            case HANDSHAKE, OPEN -> frame(context, in);
            case CLOSED -> in.skipBytes(in.readableBytes());
        }
    }

    private void greeting(ChannelHandlerContext context, ByteBuf in) {
        int start = in.readerIndex();
        if (in.getByte(start) != GREETING[0]) {
            refuse(context, Verdict.MALFORMED);
            return;
        }
        if (in.readableBytes() < GREETING_BYTES) {
            return;
        }
        ByteBuf theirs = in.readSlice(GREETING_BYTES);
        boolean signed = (theirs.getByte(9) & 1) == 1;
        boolean current = theirs.getByte(10) >= GREETING[10];
        boolean open = ByteBufUtil.equals(theirs, 12, Unpooled.wrappedBuffer(GREETING), 12, 20);
        if (!signed || !current || !open) {
            refuse(context, Verdict.MALFORMED);
            return;
        }
        state = State.HANDSHAKE;
        context.writeAndFlush(ready());
    }

    private ByteBuf ready() {
        ByteBuf body = Unpooled.buffer();
        body.writeByte(READY.length()).writeCharSequence(READY, StandardCharsets.US_ASCII);
        body.writeByte(SOCKET_TYPE.length()).writeCharSequence(SOCKET_TYPE, StandardCharsets.US_ASCII);
        body.writeInt(kind.name().length()).writeCharSequence(kind.name(), StandardCharsets.US_ASCII);
        return command(body);
    }

    private void frame(ChannelHandlerContext context, ByteBuf in) {
        int start = in.readerIndex();
        int flags = in.getUnsignedByte(start);
        boolean large = (flags & LARGE) != 0;
        int head = large ? 1 + Long.BYTES : 2;
        if (in.readableBytes() < head) {
            return;
        }
        long size = large ? in.getLong(start + 1) : in.getUnsignedByte(start + 1);
        if (size < 0 || size > MOST_BYTES) {
            refuse(context, Verdict.LIMITED);
            return;
        }
        if (in.readableBytes() < head + size) {
            return;
        }
        in.skipBytes(head);
        ByteBuf body = in.readSlice((int) size);
        if ((flags & COMMAND) != 0) {
            command(context, body);
        } else {
            message(context, body, (flags & MORE) != 0);
        }
    }

    /** Of commands READY matters and, once we are open, PING. */
    private void command(ChannelHandlerContext context, ByteBuf body) {
        if (state == State.OPEN) {
            answerPing(context, body);
            return;
        }
        if (!READY.equals(text(body, 1)) || !kind.peer.equals(socketType(body))) {
            refuse(context, Verdict.MALFORMED);
            return;
        }
        state = State.OPEN;
        if (!kind.pinged) {
            context.pipeline().remove(ReadTimeoutHandler.class);
        }
    }

    /**
     * Answers a heartbeat, which libraries send in version 3.0 too: who gets no answer hangs up, and its messages wait
     * until it has connected again. Who does not read gets none.
     */
    private static void answerPing(ChannelHandlerContext context, ByteBuf body) {
        boolean ping = PING.equals(text(body, 1));
        int contextBytes = body.readableBytes() - TTL_BYTES;
        if (ping
                && contextBytes >= 0
                && contextBytes <= MOST_CONTEXT_BYTES
                && context.channel().isWritable()) {
            ByteBuf pong = Unpooled.buffer().writeByte(PONG.length());
            pong.writeCharSequence(PONG, StandardCharsets.US_ASCII);
            pong.writeBytes(body.skipBytes(TTL_BYTES));
            context.writeAndFlush(command(pong));
        }
    }

    private static ByteBuf command(ByteBuf body) {
        return Unpooled.wrappedBuffer(Unpooled.buffer(2).writeByte(COMMAND).writeByte(body.readableBytes()), body);
    }

    private static @Nullable String socketType(ByteBuf properties) {
        while (properties.isReadable()) {
            String name = text(properties, 1);
            String value = text(properties, Integer.BYTES);
            if (name == null || value == null) {
                return null;
            }
            if (SOCKET_TYPE.equalsIgnoreCase(name)) {
                return value;
            }
        }
        return null;
    }

    /** Reads a text behind its length, or returns null when it breaks off. */
    private static @Nullable String text(ByteBuf in, int lengthBytes) {
        if (in.readableBytes() < lengthBytes) {
            return null;
        }
        int length = lengthBytes == 1 ? in.readUnsignedByte() : in.readInt();
        return length < 0 || length > in.readableBytes()
                ? null
                : in.readCharSequence(length, StandardCharsets.ISO_8859_1).toString();
    }

    private void message(ChannelHandlerContext context, ByteBuf body, boolean more) {
        if (state != State.OPEN) {
            refuse(context, Verdict.MALFORMED);
            return;
        }
        boolean whole = !more && !inMessage;
        inMessage = more;
        InetAddress from = ((InetSocketAddress) context.channel().remoteAddress()).getAddress();
        if (!rates.admits(from)) {
            inbox.onRefused(Verdict.LIMITED);
        } else if (whole) {
            inbox.onMessage(from, ByteBufUtil.getBytes(body));
        } else if (!more) {
            inbox.onRefused(Verdict.MALFORMED);
        }
    }

    private void refuse(ChannelHandlerContext context, Verdict why) {
        state = State.CLOSED;
        inbox.onRefused(why);
        context.close();
    }
}
