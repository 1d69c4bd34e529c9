// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config.settings;

import jakarta.validation.Valid;
import jakarta.validation.constraints.DecimalMax;
import jakarta.validation.constraints.DecimalMin;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.NestedConfigurationProperty;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Admission. Among requests that wait the most urgent come first, among those one tenant after the other. Immutable.
 *
 * @param maxRunning Most requests that run at a time.
 * @param maxWait Longest wait; after it a request is answered 504.
 * @param maxWaiting Most requests that wait for their turn; beyond it somebody is answered 503: who is less urgent,
 *     else who has more of them waiting than others, else the newcomer.
 * @param maxDirectMemory Share of the JVM's direct memory (`-XX:MaxDirectMemorySize`); while requests and answers take
 *     more, new requests are answered 503.
 * @param tenantHeaders Comma-separated list of request headers that may name the tenant, first match wins; the
 *     credentials tell tenants apart where there is none. Name headers only that a proxy in front sets.
 * @param priorityHeader Request header that may name the priority: high, normal or low. Name one only that a proxy in
 *     front sets.
 * @param saturation Waiting for engines.
 */
public record AdmissionProperties(
        @DefaultValue("8192") @Min(1) int maxRunning,
        @DefaultValue("10s") @NotNull Duration maxWait,
        @DefaultValue("512") @Min(0) int maxWaiting,

        @DefaultValue("0.9") @DecimalMin("0.001") @DecimalMax("1")
        double maxDirectMemory,

        @DefaultValue List<String> tenantHeaders,
        @Nullable String priorityHeader,
        @NestedConfigurationProperty @DefaultValue @Valid SaturationProperties saturation) {}
