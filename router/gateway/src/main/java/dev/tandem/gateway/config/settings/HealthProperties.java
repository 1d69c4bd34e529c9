// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config.settings;

import jakarta.validation.constraints.DecimalMax;
import jakarta.validation.constraints.DecimalMin;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import java.time.Duration;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Health of workers. Immutable.
 *
 * @param interval Pause between two probes of a worker.
 * @param timeout Longest wait for the answer to a probe.
 * @param probesUp Good probes in a row that bring a worker back.
 * @param probesDown Bad probes in a row that take a worker out.
 * @param failuresDown Failed requests in a row that eject a worker, and failed hand-overs in a row that eject a pair. A
 *     refused connection takes a worker out at once.
 * @param failureShare Share of failed requests within 30 s that ejects a worker or a pair.
 * @param failureShareFrom Fewest requests within 30 s of which that share is taken.
 * @param ejection How long an ejected worker or pair gets nothing, give or take a fifth; then one request at a time
 *     until one succeeds. It doubles each time that one fails.
 * @param longestEjection Longest time that it gets nothing. Who has been well for that long begins anew.
 * @param stall How long a worker that passes its probes may send no byte of any answer, though a stream or a prompt is
 *     owed, before it is ejected; 0 for ever.
 * @param stallPerToken How much longer, for each prompt token that it has not computed yet.
 * @param slowStart Time in which a worker that came back gets its full share again.
 */
public record HealthProperties(
        @DefaultValue("2s") @NotNull Duration interval,
        @DefaultValue("1s") @NotNull Duration timeout,
        @DefaultValue("2") @Min(1) int probesUp,
        @DefaultValue("3") @Min(1) int probesDown,
        @DefaultValue("5") @Min(1) int failuresDown,

        @DefaultValue("0.5") @DecimalMin("0.01") @DecimalMax("1")
        double failureShare,

        @DefaultValue("20") @Min(1) int failureShareFrom,
        @DefaultValue("5s") @NotNull Duration ejection,
        @DefaultValue("60s") @NotNull Duration longestEjection,
        @DefaultValue("20s") @NotNull Duration stall,
        @DefaultValue("2ms") @NotNull Duration stallPerToken,
        @DefaultValue("30s") @NotNull Duration slowStart) {}
