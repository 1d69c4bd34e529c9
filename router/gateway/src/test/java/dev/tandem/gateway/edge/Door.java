// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.edge;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.lifecycle.EdgeListener.Rejection;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** One connection behind the door, without sockets. Confined to one thread. */
final class Door {
    static final HeadLimits LIMITS = new HeadLimits(8 * 1024, 16 * 1024, 100, Duration.ofSeconds(10), 2);

    /** What has been let in: heads, pieces of bodies joined, ends, and errors, in their order. */
    private final StringBuilder seen = new StringBuilder();

    private final List<Rejection> rejections = new ArrayList<>();
    private final UnpooledByteBufAllocator memory = new UnpooledByteBufAllocator(false, true);
    private final EmbeddedChannel channel;
    private int requests;
    private int whole;
    private int failures;

    Door() {
        StrictDecoder decoder = new StrictDecoder(LIMITS);
        StrictCodec codec = new StrictCodec(decoder);
        channel = new EmbeddedChannel();
        channel.config().setAllocator(memory);
        channel.pipeline()
                .addLast(
                        codec,
                        new Gatekeeper(
                                codec,
                                decoder,
                                LIMITS,
                                failure -> failure.failure().code().getBytes(StandardCharsets.UTF_8),
                                rejections::add),
                        new Inside());
    }

    EmbeddedChannel channel() {
        return channel;
    }

    List<Rejection> rejections() {
        return rejections;
    }

    /** Returns how many heads were let in. */
    int requests() {
        return requests;
    }

    /** Returns how many requests were let in to their end. */
    int whole() {
        return whole;
    }

    /** Returns how many requests failed after they had been let in. */
    int failures() {
        return failures;
    }

    String seen() {
        return seen.toString();
    }

    Door send(byte[] bytes) {
        return send(bytes, 0, bytes.length);
    }

    Door send(byte[] bytes, int from, int to) {
        if (channel.isOpen()) {
            channel.writeInbound(Unpooled.copiedBuffer(bytes, from, to - from));
        }
        return this;
    }

    Door send(String text) {
        return send(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    /** Answers the oldest request. */
    Door answer() {
        DefaultFullHttpResponse response = new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1, HttpResponseStatus.OK, Unpooled.copiedBuffer("ok", StandardCharsets.UTF_8));
        response.headers().set(HttpHeaderNames.CONTENT_LENGTH, 2);
        channel.writeOutbound(response);
        return this;
    }

    /** Returns what has been sent to the client since the last call. */
    String received() {
        StringBuilder all = new StringBuilder();
        for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
            all.append(out.toString(StandardCharsets.ISO_8859_1));
            out.release();
        }
        return all.toString();
    }

    /** Ends the connection, which gives all of its memory back. */
    void close() {
        channel.finishAndReleaseAll();
        assertThat(memory.metric().usedHeapMemory()).isZero();
    }

    /** What the door leads to. */
    private final class Inside extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            try {
                if (message instanceof HttpRequest request) {
                    requests++;
                    seen.append(request.method())
                            .append(' ')
                            .append(request.uri())
                            .append(request.headers().entries());
                }
                if (message instanceof HttpContent content) {
                    seen.append(content.content().toString(StandardCharsets.ISO_8859_1));
                }
                if (message instanceof LastHttpContent) {
                    whole++;
                    seen.append('$');
                }
            } finally {
                ReferenceCountUtil.release(message);
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            failures++;
            seen.append(cause.getMessage());
        }
    }
}
