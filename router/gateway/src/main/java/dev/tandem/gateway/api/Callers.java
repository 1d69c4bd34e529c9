// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.api;

import dev.tandem.core.request.Caller;
import dev.tandem.core.request.Caller.Priority;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Tells from the head of a request who asks. Immutable. */
public final class Callers {
    private final List<String> tenantHeaders;
    private final @Nullable String priorityHeader;

    /**
     * Makes one. Whoever can set these headers can be anybody: they are for what a trusted proxy in front has set.
     *
     * @param tenantHeaders headers that may name the tenant, the first one present counts; without any of them the
     *     credentials tell tenants apart
     * @param priorityHeader header that may name the priority; null or empty for none
     */
    public Callers(List<String> tenantHeaders, @Nullable String priorityHeader) {
        this.tenantHeaders = List.copyOf(tenantHeaders);
        this.priorityHeader = priorityHeader == null || priorityHeader.isBlank() ? null : priorityHeader;
    }

    Caller of(HttpHeaders headers) {
        return new Caller(tenant(headers), priority(headers));
    }

    private String tenant(HttpHeaders headers) {
        return tenantHeaders.stream()
                .map(headers::get)
                .filter(Objects::nonNull)
                .findFirst()
                .orElseGet(() -> headers.get(HttpHeaderNames.AUTHORIZATION, ""));
    }

    private Priority priority(HttpHeaders headers) {
        String named = priorityHeader == null ? null : headers.get(priorityHeader);
        return switch (named == null ? "" : named.toLowerCase(Locale.ROOT)) {
            case "high" -> Priority.HIGH;
            case "low" -> Priority.LOW;
            default -> Priority.NORMAL;
        };
    }
}
