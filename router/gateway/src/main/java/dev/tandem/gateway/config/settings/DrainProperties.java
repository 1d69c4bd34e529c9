// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config.settings;

import jakarta.validation.constraints.NotNull;
import java.time.Duration;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How the gateway goes down. Immutable.
 *
 * @param preDelay How long it goes on to serve new requests when it is told to end, while it says that it is not ready:
 *     as long as a balancer takes to notice. 0 where there is none, so that Ctrl-C ends an idle gateway at once.
 * @param max How long it then waits for running answers; what is left gets an error event.
 */
public record DrainProperties(
        @DefaultValue("0s") @NotNull Duration preDelay,
        @DefaultValue("30m") @NotNull Duration max) {}
