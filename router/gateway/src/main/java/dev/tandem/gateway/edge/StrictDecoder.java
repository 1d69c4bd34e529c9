// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.edge;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.DecoderResult;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.util.AsciiString;
import io.netty.util.ReferenceCountUtil;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Netty's decoder of requests, with the rules of {@link HeadBytes} and {@link HeadRules} on top. Confined to one
 * connection.
 *
 * <p>Framing is Netty's alone: this class looks at the bytes that the decoder has taken for a head, so the two cannot
 * disagree on where one begins and ends. What is refused leaves as a message whose decoder result is a
 * {@link FailureException}; everything behind it is thrown away.
 */
final class StrictDecoder extends HttpRequestDecoder {
    private final HeadBytes head;
    private boolean inBody;
    private boolean refused;

    StrictDecoder(HeadLimits limits) {
        super(new HttpDecoderConfig()
                .setMaxInitialLineLength(limits.maxLine())
                .setMaxHeaderSize(limits.maxBytes())
                .setStrictLineParsing(true)
                .setUseRfc9112TransferEncoding(true));
        this.head = new HeadBytes(limits.maxHeaders());
    }

    /** Whether a head has begun and its end has not come. */
    boolean insideHead() {
        return !refused && !inBody && (head.begun() || actualReadableBytes() > 0);
    }

    /** Whether a body has begun and its end has not come. */
    boolean insideBody() {
        return !refused && inBody;
    }

    /** Throws away whatever comes from now on. */
    void stop() {
        refused = true;
    }

    @Override
    protected void decode(ChannelHandlerContext ctx, ByteBuf buffer, List<Object> out) throws Exception {
        if (refused) {
            buffer.skipBytes(buffer.readableBytes());
            return;
        }
        int from = buffer.readerIndex();
        boolean body = inBody;
        super.decode(ctx, buffer, out);
        for (Object decoded : out) {
            note((HttpObject) decoded, body);
        }
        if (!body && !refused) {
            judge(buffer, from, out);
        }
    }

    /** A head whose end never came is nobody's request. */
    @Override
    protected void decodeLast(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) {
        in.skipBytes(in.readableBytes());
    }

    @Override
    protected AsciiString splitHeaderName(byte[] line, int start, int length) {
        if (inBody) {
            throw HeadRules.malformed("fields behind a body");
        }
        HeadRules.checkName(line, start, length);
        return super.splitHeaderName(line, start, length);
    }

    @Override
    protected String splitThirdWordInitialLine(byte[] line, int start, int length) {
        return HeadRules.version(super.splitThirdWordInitialLine(line, start, length));
    }

    private void note(HttpObject decoded, boolean body) {
        DecoderResult result = decoded.decoderResult();
        if (result.isFailure()) {
            refused = true;
            decoded.setDecoderResult(DecoderResult.failure(translate(result.cause(), body)));
            return;
        }
        inBody = !(decoded instanceof LastHttpContent);
    }

    /** Judges what the decoder has taken for a head, or for a part of one. */
    private void judge(ByteBuf buffer, int from, List<Object> out) {
        buffer.forEachByte(from, buffer.readerIndex() - from, head);
        FailureException refusal = head.refusal();
        if (refusal == null && !out.isEmpty()) {
            head.reset();
            refusal = refusal((HttpRequest) out.getFirst());
        }
        if (refusal != null) {
            refused = true;
            buffer.skipBytes(buffer.readableBytes());
            out.forEach(ReferenceCountUtil::release);
            out.clear();
            HttpMessage message = createInvalidMessage();
            message.setDecoderResult(DecoderResult.failure(refusal));
            out.add(message);
        }
    }

    private static @Nullable FailureException refusal(HttpRequest request) {
        try {
            HeadRules.check(request);
            return null;
        } catch (FailureException e) {
            return e;
        }
    }

    private static FailureException translate(Throwable thrown, boolean body) {
        return switch (thrown) {
            case FailureException known -> known;
            case TooLongHttpHeaderException large
            when !body -> new FailureException(Failure.HEADERS_TOO_LARGE, "headers: too many bytes", large);
            case TooLongHttpLineException large
            when !body -> new FailureException(Failure.REQUEST_LINE_TOO_LONG, "request line: too many bytes", large);
            default -> new FailureException(Failure.MALFORMED_REQUEST, "not a proper HTTP/1.1 request", thrown);
        };
    }
}
