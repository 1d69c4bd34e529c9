// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import dev.tandem.core.disagg.ConnectorChoice;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.lifecycle.TrialListener;
import dev.tandem.core.time.Ticker;
import dev.tandem.gateway.body.BodyScanner;
import dev.tandem.gateway.config.TandemProperties.CanaryProperties;
import dev.tandem.gateway.exchange.Drains;
import dev.tandem.gateway.exchange.EngineClient;
import dev.tandem.gateway.exchange.ExchangeRunner;
import dev.tandem.gateway.fleet.EngineCounters;
import dev.tandem.gateway.handover.Notices;
import dev.tandem.gateway.pipeline.Pairings;
import dev.tandem.gateway.telemetry.TrialMeters;
import dev.tandem.gateway.trial.PairTrials;
import dev.tandem.gateway.trial.TrialLegs;
import dev.tandem.gateway.trial.TrialSettings;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Wires the trials of pairs. */
@Configuration(proxyBeanMethods = false)
class TrialConfiguration {
    @Bean
    TrialListener trialListener(MeterRegistry meters, Fleet fleet) {
        return new TrialMeters(meters, () -> fleet.snapshot().quarantined().size());
    }

    @Bean
    EngineCounters engineCounters(TandemProperties properties, Workforce workforce) {
        return new EngineCounters(properties.health().timeout(), workforce::key);
    }

    @Bean
    Runners trialRunners(EngineClient engines, Notices notices, Drains drains, Ticker ticker) {
        return witness -> new ExchangeRunner(engines, notices, drains, witness, ticker);
    }

    @Bean
    TrialLegs trialLegs(Runners runners, EngineCounters counters, Pairings pairings, RequestListener listener) {
        return new TrialLegs(
                runners, (prefill, decode, api) -> pairings.pair(prefill, decode, api, true), listener, counters::read);
    }

    @Bean
    PairTrials.Surroundings trialSurroundings(BodyScanner scanner, Ticker ticker) {
        return new PairTrials.Surroundings(scanner, ticker, ThreadLocalRandom::current);
    }

    @Bean(initMethod = "start")
    @ConditionalOnBooleanProperty(name = "tandem.disagg.canary.enabled", matchIfMissing = true)
    PairTrials pairTrials(
            TandemProperties properties,
            Fleet fleet,
            ConnectorChoice connectors,
            TrialLegs legs,
            TrialListener listener,
            PairTrials.Surroundings surroundings) {
        CanaryProperties wanted = properties.disagg().canary();
        TrialSettings settings =
                new TrialSettings(wanted.interval(), wanted.promptWords(), wanted.timeout(), wanted.maxRunning());
        return new PairTrials(settings, fleet, connectors, legs, listener, surroundings);
    }

    /** Makes runners that tell a listener of their legs. */
    interface Runners extends Function<RequestListener, ExchangeRunner> {}
}
