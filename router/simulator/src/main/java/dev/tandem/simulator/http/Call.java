// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import dev.tandem.simulator.engine.TokenListener.FirstToken;
import dev.tandem.simulator.wire.Rejection;
import io.netty.channel.Channel;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * A request on its way through the server. Immutable; the body must not be changed.
 *
 * @param method HTTP method.
 * @param path Path without query.
 * @param headers All headers.
 * @param body The whole body.
 * @param channel Connection that it came on.
 * @param nowSeconds Arrival, seconds since 1970.
 * @param seen Its entry in the journal; null if it has none.
 * @param faults The faults that hit it.
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record Call(
        String method,
        String path,
        HttpHeaders headers,
        byte[] body,
        Channel channel,
        long nowSeconds,
        @Nullable SeenRequest seen,
        List<Fault> faults) {
    /** Copies the list. */
    public Call {
        faults = List.copyOf(faults);
    }

    /** Returns this request with its entry in the journal. */
    Call journaled(SeenRequest entry) {
        return new Call(method, path, headers, body, channel, nowSeconds, entry, faults);
    }

    /** Returns this request with the faults that hit it. */
    Call hitBy(List<Fault> hits) {
        return new Call(method, path, headers, body, channel, nowSeconds, seen, hits);
    }

    /** Returns the names of the faults that hit it. */
    Set<String> faultNames() {
        return faults.stream().map(fault -> fault.kind().wireName()).collect(Collectors.toSet());
    }

    /** Returns the rejection of a request that a correct router never sends, and notes it in the journal. */
    Rejection violation(String what) {
        if (seen != null) {
            seen.violates(what);
        }
        return new Rejection(400, "ContractViolation", what, "kv_transfer_params");
    }

    /** Notes in the journal when the first token was there. */
    public void noteFirstToken(FirstToken first) {
        if (seen != null) {
            seen.onFirstToken(first);
        }
    }

    /** Returns the first value of a header; null if it is absent. */
    public @Nullable String header(String name) {
        return headers.get(name);
    }

    /** Returns the connection's event loop, where answers are rendered. */
    public Scheduler eventLoop() {
        return Schedulers.fromExecutor(channel.eventLoop());
    }
}
