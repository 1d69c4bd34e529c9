// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import dev.tandem.simulator.engine.TokenListener.FirstToken;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A request that a simulated engine has received. Thread-safe; only {@link #end()} and {@link #firstToken()} change.
 *
 * <p>{@link #number()} counts from 1 in the order of arrival; headers keep order, spelling and repetitions.
 */
public final class SeenRequest {
    /** How a request has ended. */
    public enum End {
        /** Still being answered. */
        OPEN,
        /** The whole answer was sent. */
        COMPLETED,
        /** The client left before the answer was sent. */
        ABORTED_BY_CLIENT,
        /** A fault broke the answer off. */
        BROKEN_BY_FAULT
    }

    private final long number;
    private final String method;
    private final String path;
    private final List<Map.Entry<String, String>> headers;
    private final byte[] body;
    private volatile End end = End.OPEN;
    private volatile @Nullable String violation;
    private volatile @Nullable FirstToken firstToken;

    SeenRequest(long number, String method, String path, List<Map.Entry<String, String>> headers, byte[] body) {
        this.number = number;
        this.method = method;
        this.path = path;
        this.headers = List.copyOf(headers);
        this.body = body;
    }

    /** Returns the position in the order of arrival, from 1. */
    public long number() {
        return number;
    }

    /** Returns the HTTP method. */
    public String method() {
        return method;
    }

    /** Returns the path with its query, as sent. */
    public String path() {
        return path;
    }

    /** Returns all headers in their order. */
    public List<Map.Entry<String, String>> headers() {
        return headers;
    }

    /** Returns the first value of a header; names are compared without case. */
    public Optional<String> header(String name) {
        return headers.stream()
                .filter(header -> header.getKey().equalsIgnoreCase(name))
                .map(Map.Entry::getValue)
                .findFirst();
    }

    /** Returns a copy of the body. */
    public byte[] body() {
        return body.clone();
    }

    int size() {
        return body.length;
    }

    /** Returns the body as UTF-8. */
    public String bodyText() {
        return new String(body, StandardCharsets.UTF_8);
    }

    /** Returns how the request has ended so far. */
    public End end() {
        return end;
    }

    /** Returns what a correct router would not have sent, as a strict engine found it; empty if it found nothing. */
    public Optional<String> violation() {
        return Optional.ofNullable(violation);
    }

    /** Returns when its first token was there, for a request that generates; empty before. */
    public Optional<FirstToken> firstToken() {
        return Optional.ofNullable(firstToken);
    }

    void onFirstToken(FirstToken first) {
        firstToken = first;
    }

    void violates(String what) {
        violation = what;
    }

    void endAs(End how) {
        if (end == End.OPEN) {
            end = how;
        }
    }

    @Override
    public String toString() {
        return number + " " + method + " " + path + " " + body.length + " bytes " + end;
    }
}
