// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import dev.tandem.core.disagg.ConnectorChoice;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.health.ForwardProgress;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Who is probed, and what is known before anybody has asked. Immutable.
 *
 * @param workers the workers to probe, asked each round
 * @param apiKeys the API key of a worker, or null
 * @param down whether a worker has been found down, by requests too: another engine may be in its place
 * @param declared what the configuration or the engine's registration says of a worker's engine
 * @param connectors which protocol the engines use
 * @param progresses whether a worker brings its requests forward
 */
public record ProbeTargets(
        Supplier<List<Worker>> workers,
        Function<Worker, @Nullable String> apiKeys,
        Predicate<Worker> down,
        Function<Worker, EngineFacts> declared,
        ConnectorChoice connectors,
        Function<Worker, ForwardProgress> progresses) {}
