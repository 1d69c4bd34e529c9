// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.edge;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a decoded head must be beyond what Netty's decoder asks of it: one valid host, a target that means one thing
 * only, one framing of the body. Stateless.
 *
 * <p>{@code Upgrade: h2c} is no reason to refuse, as the client of the JDK sends it with every first request; it is
 * ignored, as RFC 9110, section 7.8, allows.
 */
final class HeadRules {
    private static final Set<HttpMethod> WITH_BODY = Set.of(HttpMethod.POST, HttpMethod.PUT, HttpMethod.PATCH);

    private HeadRules() {}

    /** Passes a version of the request line on, if it is one that is spoken here. */
    static String version(String version) {
        if (version.equals(HttpVersion.HTTP_1_1.text()) || version.equals(HttpVersion.HTTP_1_0.text())) {
            return version;
        }
        if (version.length() == 8 && version.startsWith("HTTP/") && version.charAt(6) == '.') {
            throw new FailureException(Failure.VERSION_NOT_SUPPORTED, "version: expected HTTP/1.1");
        }
        throw malformed("version: expected HTTP/1.1");
    }

    /** Refuses a header name by throwing: an underscore is read as a hyphen by some who stand before a gateway. */
    static void checkName(byte[] line, int start, int length) {
        for (int i = start; i < start + length; i++) {
            if (line[i] == '_') {
                throw malformed("a header name with an underscore");
            }
        }
    }

    /** Refuses a head by throwing; an absolute target is cut down to its path and query. */
    static void check(HttpRequest request) {
        if (request.method().equals(HttpMethod.CONNECT)) {
            throw new FailureException(Failure.METHOD_NOT_ALLOWED, "method: this is no proxy");
        }
        String host = host(request);
        request.setUri(Target.path(request.uri(), host));
        framing(request);
        String expect = request.headers().get(HttpHeaderNames.EXPECT);
        if (expect != null && !HttpHeaderValues.CONTINUE.contentEqualsIgnoreCase(expect)) {
            throw new FailureException(Failure.EXPECTATION_FAILED, "expect: expected 100-continue");
        }
    }

    private static @Nullable String host(HttpRequest request) {
        List<String> hosts = request.headers().getAll(HttpHeaderNames.HOST);
        if (hosts.isEmpty() && request.protocolVersion().equals(HttpVersion.HTTP_1_0)) {
            return null;
        }
        if (hosts.size() != 1 || !Target.isHost(hosts.getFirst())) {
            throw malformed("host: expected one name or address, with or without a port");
        }
        return hosts.getFirst();
    }

    private static void framing(HttpRequest request) {
        HttpHeaders headers = request.headers();
        List<String> codings = headers.getAll(HttpHeaderNames.TRANSFER_ENCODING);
        if (!codings.isEmpty()
                && (codings.size() > 1 || !HttpHeaderValues.CHUNKED.contentEqualsIgnoreCase(codings.getFirst()))) {
            throw malformed("transfer-encoding: expected chunked");
        }
        String length = headers.get(HttpHeaderNames.CONTENT_LENGTH);
        boolean body = !codings.isEmpty() || (length != null && !length.equals("0"));
        if (body && !WITH_BODY.contains(request.method())) {
            throw malformed("a body that the method does not have");
        }
        if (headers.contains(HttpHeaderNames.UPGRADE, HttpHeaderValues.WEBSOCKET, true)
                // Netty takes eight bytes behind such a head for a body.
                || headers.contains(HttpHeaderNames.SEC_WEBSOCKET_KEY1)) {
            throw malformed("upgrade: no web sockets here");
        }
    }

    static FailureException malformed(String detail) {
        return new FailureException(Failure.MALFORMED_REQUEST, detail);
    }
}
