// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import dev.tandem.core.disagg.ConnectorChoice;
import dev.tandem.core.disagg.KvConnector.Need;
import dev.tandem.core.fleet.EngineLoads;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.FleetSettings;
import dev.tandem.core.health.BreakerSettings;
import dev.tandem.core.health.SaturationSettings;
import dev.tandem.core.prefix.Fingerprinter;
import dev.tandem.core.retry.Backoff;
import dev.tandem.core.retry.LostStreams;
import dev.tandem.core.retry.Retries;
import dev.tandem.core.retry.RetryBudget;
import dev.tandem.core.retry.RetryPolicy;
import dev.tandem.core.retry.SuspectList;
import dev.tandem.core.routing.Router;
import dev.tandem.core.routing.RoutingPolicies;
import dev.tandem.core.routing.RoutingSettings;
import dev.tandem.core.routing.SaturationGate;
import dev.tandem.core.time.Ticker;
import dev.tandem.gateway.config.settings.HealthProperties;
import dev.tandem.gateway.config.settings.SaturationProperties;
import dev.tandem.gateway.fleet.FleetLog;
import dev.tandem.gateway.telemetry.FleetMeters;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.ConfigurableEnvironment;

/** Makes the objects of core from the settings: fleet, router, connector, retries. */
@Configuration(proxyBeanMethods = false)
class CoreConfiguration {
    @Bean
    Ticker ticker() {
        return Ticker.SYSTEM;
    }

    @Bean
    Workforce workforce(TandemProperties properties, ConfigurableEnvironment environment) {
        EnvironmentCheck.check(environment.getSystemEnvironment(), SettingNames.all());
        return Workforce.of(properties);
    }

    @Bean
    Fleet fleet(
            TandemProperties properties,
            Workforce workforce,
            ConnectorChoice connectors,
            MeterRegistry meters,
            Ticker ticker) {
        Fleet fleet = new Fleet(
                fleetSettings(properties.health()),
                ticker,
                new FleetLog(connectors, new FleetMeters(meters)),
                () -> ThreadLocalRandom.current().nextDouble());
        fleet.replace(workforce.workers());
        return fleet;
    }

    @Bean
    ConnectorChoice connectors(TandemProperties properties) {
        ConnectorChoice forAll = requireKnownConnector(
                "tandem.disagg.connector", properties.disagg().connector());
        List<ConnectorChoice> ofWorkers = properties.workers().stream()
                .filter(worker -> worker.connector() != null)
                .map(worker -> requireKnownConnector("connector of the worker " + worker.id(), worker.connector()))
                .toList();
        ConnectorChoice choice = forAll.with(ofWorkers);
        requireListeners(choice, properties.handover());
        return choice;
    }

    private static void requireListeners(ConnectorChoice choice, TandemProperties.HandoverProperties listeners) {
        for (Need need : choice.needs()) {
            switch (need) {
                case TELEMETRY, METASERVER ->
                    require(
                            choice.listening(need),
                            "over HTTP",
                            "tandem.handover.http",
                            listeners.http().enabled());
                case NOTIFICATIONS ->
                    require(
                            choice.listening(need),
                            "over ZeroMQ",
                            "tandem.handover.notifications",
                            listeners.notifications().enabled());
            }
        }
    }

    private static void require(List<String> connectors, String how, String listener, boolean enabled) {
        if (!enabled) {
            throw new InvalidConfigurationException(
                    "a connector waits for what engines tell the gateway " + how + ", and nobody listens: "
                            + String.join(", ", connectors),
                    "Set " + listener + ".enabled to true, its address to one that the engines reach, and " + listener
                            + ".allowed to theirs.");
        }
    }

    @Bean
    Router router(TandemProperties properties, Fleet fleet, ConnectorChoice connectors, Ticker ticker) {
        RoutingSettings settings = routingSettings(properties);
        requireKnown("tandem.routing.prefill-policy", settings.prefillPolicy());
        requireKnown("tandem.routing.decode-policy", settings.decodePolicy());
        return new Router(fleet, settings, new ConnectorRule(connectors), ThreadLocalRandom::current, ticker);
    }

    @Bean
    EngineLoads engineLoads(TandemProperties properties, Fleet fleet) {
        SaturationProperties wanted = properties.admission().saturation();
        return new EngineLoads(fleet, new SaturationSettings(wanted.queue(), wanted.kvUsage(), wanted.maxAge()));
    }

    @Bean
    SaturationGate saturationGate(Router router, EngineLoads loads) {
        return new SaturationGate(router, loads);
    }

    @Bean
    Fingerprinter fingerprinter() {
        return Fingerprinter.standard();
    }

    @Bean
    Retries retries(TandemProperties properties, Ticker ticker) {
        TandemProperties.RetryProperties retry = properties.retry();
        RetryBudget.Settings budget = new RetryBudget.Settings(retry.budget(), retry.alwaysPerSecond());
        return new Retries(
                new RetryPolicy(retry.maxAttempts()),
                new RetryBudget(budget, ticker),
                new LostStreams(ticker),
                new Backoff(
                        retry.backoff(),
                        retry.maxBackoff(),
                        () -> ThreadLocalRandom.current().nextDouble()));
    }

    @Bean
    SuspectList suspectList(TandemProperties properties, Ticker ticker) {
        TandemProperties.RetryProperties retry = properties.retry();
        return new SuspectList(retry.suspectWorkers(), retry.suspectMemory(), ticker);
    }

    static FleetSettings fleetSettings(HealthProperties health) {
        return new FleetSettings(
                health.probesUp(),
                health.probesDown(),
                new BreakerSettings(
                        health.failuresDown(),
                        health.failureShare(),
                        health.failureShareFrom(),
                        health.ejection(),
                        health.longestEjection()),
                health.stall(),
                health.stallPerToken(),
                health.slowStart(),
                FleetSettings.defaults().slowStartFloor());
    }

    static RoutingSettings routingSettings(TandemProperties properties) {
        TandemProperties.RoutingProperties routing = properties.routing();
        return new RoutingSettings(
                routing.prefillPolicy(),
                routing.decodePolicy(),
                properties.disagg().minPromptTokens(),
                routing.batchTokens(),
                routing.loadBound());
    }

    private static ConnectorChoice requireKnownConnector(String setting, String name) {
        return ConnectorChoice.named(name).orElseThrow(() -> unknown(setting, name, ConnectorChoice.names()));
    }

    private static void requireKnown(String setting, String policy) {
        if (!RoutingPolicies.names().contains(policy)) {
            throw unknown(setting, policy, RoutingPolicies.names());
        }
    }

    private static InvalidConfigurationException unknown(String setting, String value, List<String> known) {
        return new InvalidConfigurationException(
                setting + " is \"" + value + "\", which does not exist",
                "Use one of: " + String.join(", ", known) + ".");
    }
}
