// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import dev.tandem.core.fleet.Worker;
import org.jspecify.annotations.Nullable;

/**
 * An engine that has passed its probe and is asked for more. Immutable.
 *
 * @param worker whose engine
 * @param model a model that it serves
 * @param apiKey its key, or null
 */
record Probed(Worker worker, String model, @Nullable String apiKey) {}
