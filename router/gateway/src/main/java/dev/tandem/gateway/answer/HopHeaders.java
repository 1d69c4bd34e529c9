// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import io.netty.handler.codec.http.DefaultHttpHeadersFactory;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpHeadersFactory;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which headers cross the gateway: a short list in each direction, all others stay behind. Stateless.
 *
 * <p>Credentials, cookies, forwarding and routing headers of clients never reach an engine; headers that name the
 * engine never reach a client.
 */
public final class HopHeaders {
    private static final List<String> TO_ENGINE =
            List.of("accept", "traceparent", "tracestate", "anthropic-version", "anthropic-beta", "openai-beta");

    /** What the server has parsed has been checked once. */
    private static final HttpHeadersFactory UNCHECKED =
            DefaultHttpHeadersFactory.headersFactory().withValidation(false);

    private static final Set<String> TO_CLIENT = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);

    static {
        TO_CLIENT.addAll(List.of("content-type", "content-length", "cache-control", "retry-after"));
    }

    private HopHeaders() {}

    /** Returns the headers of a client that an engine may see. */
    public static HttpHeaders toEngine(HttpHeaders client) {
        HttpHeaders passed = UNCHECKED.newHeaders();
        for (String name : TO_ENGINE) {
            String value = client.get(name);
            if (value != null) {
                passed.add(name, value);
            }
        }
        return passed;
    }

    /** Adds the headers of an engine that a client may see. */
    static void toClient(HttpHeaders engine, HttpHeaders client) {
        for (Map.Entry<String, String> header : engine) {
            if (TO_CLIENT.contains(header.getKey())) {
                client.set(header.getKey(), header.getValue());
            }
        }
    }
}
