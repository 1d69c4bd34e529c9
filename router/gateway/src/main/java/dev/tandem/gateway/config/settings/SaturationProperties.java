// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config.settings;

import jakarta.validation.constraints.DecimalMax;
import jakarta.validation.constraints.DecimalMin;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import java.time.Duration;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * When requests wait for engines. Immutable.
 *
 * @param enabled Whether requests wait in the gateway, where priorities and fairness hold, as long as every engine that
 *     could serve them has enough. Off, since nobody waits longer than `max-wait` then, and in an engine they do.
 * @param interval Pause between two looks at the metrics of an engine.
 * @param queue Requests waiting in an engine that are enough; those that it runs count as a longer queue, 0.15 of them.
 * @param kvUsage Share of an engine's KV cache in use that is enough.
 * @param maxAge How long what an engine has said counts; after it the engine gets requests again.
 */
public record SaturationProperties(
        @DefaultValue("false") boolean enabled,
        @DefaultValue("250ms") @NotNull Duration interval,
        @DefaultValue("5") @Min(1) int queue,

        @DefaultValue("0.95") @DecimalMin("0.01") @DecimalMax("1")
        double kvUsage,

        @DefaultValue("2s") @NotNull Duration maxAge) {}
