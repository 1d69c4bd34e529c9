// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.edge;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.lifecycle.EdgeListener;
import dev.tandem.core.lifecycle.EdgeListener.Rejection;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stands behind the decoder and lets proper requests pass. Confined to one connection.
 *
 * <p>A head that is refused is answered here, once the requests before it have got their answers; a body that breaks
 * off fails its request where that reads it. In both cases the connection ends. It ends gently: with data of the client
 * unread, the kernel would reset it and the client would not see the answer.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a write or a close that fails meets a client that has left
final class Gatekeeper extends ChannelDuplexHandler {
    private static final Logger LOG = LoggerFactory.getLogger(Gatekeeper.class);

    /** Time in which a client may go on sending after its last answer. */
    private static final int LINGER_SECONDS = 2;

    private final StrictCodec codec;
    private final StrictDecoder decoder;
    private final HeadLimits limits;
    private final Function<FailureException, byte[]> errors;
    private final EdgeListener listener;
    private int unanswered;
    private boolean closing;
    private @Nullable FailureException refusal;
    private @Nullable Future<?> headTimeout;
    private @Nullable Future<?> linger;

    Gatekeeper(
            StrictCodec codec,
            StrictDecoder decoder,
            HeadLimits limits,
            Function<FailureException, byte[]> errors,
            EdgeListener listener) {
        this.codec = codec;
        this.decoder = decoder;
        this.limits = limits;
        this.errors = errors;
        this.listener = listener;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (closing) {
            ReferenceCountUtil.release(message);
        } else if (((HttpObject) message).decoderResult().isFailure()) {
            FailureException failure =
                    (FailureException) ((HttpObject) message).decoderResult().cause();
            boolean head = message instanceof HttpRequest;
            ReferenceCountUtil.release(message);
            if (head) {
                refuse(ctx, failure);
            } else {
                breakOff(ctx, failure);
            }
        } else if (message instanceof HttpRequest request) {
            accept(ctx, request);
        } else {
            if (message instanceof LastHttpContent) {
                cancelLinger();
            }
            ctx.fireChannelRead(message);
        }
    }

    /** What is left of a head gets its time only now: most heads come in one piece. */
    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        if (!decoder.insideHead() || closing) {
            cancelHeadTimeout();
        } else if (headTimeout == null) {
            headTimeout = ctx.executor()
                    .schedule(
                            () -> refuse(
                                    ctx,
                                    new FailureException(Failure.REQUEST_TIMEOUT, "the head did not arrive in time")),
                            limits.timeout().toMillis(),
                            TimeUnit.MILLISECONDS);
        }
        ctx.fireChannelReadComplete();
    }

    @Override
    public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
        if (message instanceof HttpResponse response) {
            if (response.status().codeClass() == HttpStatusClass.INFORMATIONAL) {
                ctx.write(message, promise);
                return;
            }
            if (closing && refusal == null) {
                response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
            }
        }
        if (message instanceof LastHttpContent) {
            ChannelPromise written = promise.unvoid();
            ctx.write(message, written);
            onAnswered(ctx, written);
        } else {
            ctx.write(message, promise);
        }
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        cancelHeadTimeout();
        cancelLinger();
    }

    private void accept(ChannelHandlerContext ctx, HttpRequest request) {
        cancelHeadTimeout();
        cancelLinger();
        if (unanswered > limits.maxPipelined()) {
            ReferenceCountUtil.release(request);
            listener.onRejected(Rejection.PIPELINED);
            closing = true;
            ctx.close();
            return;
        }
        unanswered++;
        codec.onRequest(request);
        ctx.fireChannelRead(request);
    }

    private void refuse(ChannelHandlerContext ctx, FailureException failure) {
        stop(failure);
        refusal = failure;
        if (unanswered == 0) {
            answer(ctx, failure);
        } else {
            ctx.read();
        }
    }

    /** A request whose turn has not come cannot be told that its body is broken. */
    private void breakOff(ChannelHandlerContext ctx, FailureException failure) {
        stop(failure);
        if (unanswered == 1) {
            ctx.fireExceptionCaught(failure);
        } else {
            ctx.close();
        }
    }

    private void stop(FailureException failure) {
        LOG.debug("request refused failure={} detail={}", failure.failure().code(), failure.detail());
        listener.onRejected(rejection(failure.failure()));
        closing = true;
        decoder.stop();
    }

    private void onAnswered(ChannelHandlerContext ctx, ChannelPromise written) {
        unanswered--;
        if (refusal != null && unanswered == 0) {
            answer(ctx, refusal);
        } else if (closing && unanswered == 0) {
            written.addListener(done -> end(ctx));
        } else if (unanswered == 0 && decoder.insideBody()) {
            linger = ctx.executor().schedule(() -> giveUpOnRest(ctx), LINGER_SECONDS, TimeUnit.SECONDS);
        }
    }

    private void answer(ChannelHandlerContext ctx, FailureException failure) {
        FullHttpResponse response = new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1,
                HttpResponseStatus.valueOf(failure.failure().status()),
                Unpooled.wrappedBuffer(errors.apply(failure)));
        response.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, HttpHeaderValues.APPLICATION_JSON)
                .set(HttpHeaderNames.CONTENT_LENGTH, response.content().readableBytes())
                .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        ctx.writeAndFlush(response).addListener(done -> end(ctx));
    }

    private void end(ChannelHandlerContext ctx) {
        if (ctx.channel() instanceof DuplexChannel channel) {
            channel.shutdownOutput();
        }
        linger = ctx.executor().schedule(() -> ctx.close(), LINGER_SECONDS, TimeUnit.SECONDS);
        ctx.read();
    }

    private void giveUpOnRest(ChannelHandlerContext ctx) {
        listener.onRejected(Rejection.SLOW_REST);
        ctx.close();
    }

    private void cancelHeadTimeout() {
        if (headTimeout != null) {
            headTimeout.cancel(false);
            headTimeout = null;
        }
    }

    private void cancelLinger() {
        if (linger != null) {
            linger.cancel(false);
            linger = null;
        }
    }

    private static Rejection rejection(Failure failure) {
        return switch (failure.status()) {
            case 408 -> Rejection.SLOW_HEAD;
            case 414, 431 -> Rejection.HEAD_TOO_LARGE;
            default -> Rejection.MALFORMED;
        };
    }
}
