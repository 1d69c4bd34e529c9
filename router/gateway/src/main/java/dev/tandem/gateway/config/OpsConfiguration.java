// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import dev.tandem.core.disagg.ConnectorChoice;
import dev.tandem.core.fleet.EngineLoads;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.lifecycle.EdgeListener;
import dev.tandem.core.lifecycle.EngineMessageListener;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.routing.Router;
import dev.tandem.core.time.Ticker;
import dev.tandem.gateway.admission.WaitingRoom;
import dev.tandem.gateway.body.BodyCollector;
import dev.tandem.gateway.config.settings.DrainProperties;
import dev.tandem.gateway.config.settings.HealthProperties;
import dev.tandem.gateway.config.settings.SaturationProperties;
import dev.tandem.gateway.edge.Connections;
import dev.tandem.gateway.edge.FrontDoor;
import dev.tandem.gateway.exchange.EngineClient;
import dev.tandem.gateway.fleet.LoadSampler;
import dev.tandem.gateway.fleet.ProbeSettings;
import dev.tandem.gateway.fleet.ProbeTargets;
import dev.tandem.gateway.fleet.WorkerProber;
import dev.tandem.gateway.ops.HealthPages;
import dev.tandem.gateway.ops.ManagementServer;
import dev.tandem.gateway.ops.Page;
import dev.tandem.gateway.ops.WorkerDrains;
import dev.tandem.gateway.telemetry.AccessLog;
import dev.tandem.gateway.telemetry.AdmissionMeters;
import dev.tandem.gateway.telemetry.EdgeMeters;
import dev.tandem.gateway.telemetry.EngineMessageMeters;
import dev.tandem.gateway.telemetry.Listeners;
import dev.tandem.gateway.telemetry.MeterListener;
import dev.tandem.gateway.telemetry.RecomputeLog;
import dev.tandem.gateway.telemetry.VllmRouterMeters;
import dev.tandem.gateway.telemetry.WorkerGauges;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.netty4.NettyAllocatorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufAllocatorMetricProvider;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.support.AbstractApplicationContext;
import org.springframework.context.support.DefaultLifecycleProcessor;
import reactor.netty.ChannelBindException;

/** Wires what watches: probes, meters, the access log, the health pages. */
@Configuration(proxyBeanMethods = false)
class OpsConfiguration {
    /** For what must be done behind a phase that has taken all its time. */
    private static final Duration BEYOND_DRAIN = Duration.ofSeconds(10);

    @Bean(destroyMethod = "close")
    PrometheusMeterRegistry meterRegistry() {
        PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        List.of(
                        new JvmMemoryMetrics(),
                        new JvmThreadMetrics(),
                        new NettyAllocatorMetrics((ByteBufAllocatorMetricProvider) ByteBufAllocator.DEFAULT),
                        new ProcessorMetrics(),
                        new UptimeMetrics())
                .forEach(binder -> binder.bindTo(registry));
        return registry;
    }

    @Bean
    JvmGcMetrics gcMetrics(MeterRegistry meters) {
        JvmGcMetrics metrics = new JvmGcMetrics();
        metrics.bindTo(meters);
        return metrics;
    }

    @Bean
    RequestListener requestListener(
            PrometheusMeterRegistry meters,
            Fleet fleet,
            WorkerProber prober,
            TandemProperties properties,
            Ticker ticker) {
        List<RequestListener> listeners = new ArrayList<>(List.of(
                new FleetFeedback(fleet, prober::doubt),
                new MeterListener(meters),
                new AccessLog(Clock.systemUTC()),
                new RecomputeLog(ticker)));
        if (properties.management().vllmRouterNames()) {
            VllmRouterMeters familiar = new VllmRouterMeters(meters, fleet::statuses);
            meters.getPrometheusRegistry().register(familiar);
            listeners.add(familiar);
        }
        return new Listeners(listeners);
    }

    @Bean
    EngineMessageListener engineMessageListener(MeterRegistry meters, Workforce workforce) {
        return new EngineMessageMeters(meters, workforce::registered);
    }

    @Bean
    AdmissionMeters admissionMeters(MeterRegistry meters, WaitingRoom room, EngineLoads loads) {
        return new AdmissionMeters(
                meters, room::running, room::queued, () -> loads.saturated().size());
    }

    @Bean
    EdgeListener edgeListener(MeterRegistry meters, Connections connections, BodyCollector bodies) {
        return new EdgeMeters(meters, connections::open, bodies::bytesInFlight);
    }

    @Bean
    WorkerGauges workerGauges(Fleet fleet, PrometheusMeterRegistry meters) {
        WorkerGauges gauges = new WorkerGauges(fleet::statuses);
        meters.getPrometheusRegistry().register(gauges);
        return gauges;
    }

    @Bean(initMethod = "start")
    WorkerProber workerProber(
            TandemProperties properties, Fleet fleet, Workforce workforce, ConnectorChoice connectors) {
        HealthProperties health = properties.health();
        return new WorkerProber(
                new ProbeSettings(health.interval(), health.timeout()),
                new ProbeTargets(
                        fleet::workers,
                        workforce::key,
                        fleet::isDown,
                        workforce::declared,
                        connectors,
                        fleet::progress),
                fleet::onProbe,
                ThreadLocalRandom::current);
    }

    /** Without it no engine is known to be saturated. */
    @Bean(initMethod = "start")
    @ConditionalOnBooleanProperty("tandem.admission.saturation.enabled")
    LoadSampler loadSampler(TandemProperties properties, Workforce workforce, EngineLoads loads, WaitingRoom room) {
        SaturationProperties wanted = properties.admission().saturation();
        return new LoadSampler(
                new ProbeSettings(wanted.interval(), wanted.maxAge()), loads, workforce::key, room::call);
    }

    @Bean
    Draining draining(TandemProperties properties, EngineClient engines) {
        return new Draining(properties.drain(), engines::hangUp);
    }

    @Bean
    LastSteps lastSteps(WorkerProber prober, ObjectProvider<LoadSampler> sampler, EngineClient engines) {
        return new LastSteps(() -> {
            prober.close();
            sampler.ifAvailable(LoadSampler::close);
            engines.close();
        });
    }

    /** Ends probes and connections as long as there are event loops to do it: those end in phase 0. */
    record LastSteps(Runnable steps) implements SmartLifecycle {
        @Override
        public void start() {
            // both have begun
        }

        @Override
        public void stop() {
            steps.run();
        }

        @Override
        public boolean isRunning() {
            return true;
        }

        @Override
        public int getPhase() {
            return 1;
        }
    }

    /** Phases that drain may take as long as they have to. */
    @Bean(AbstractApplicationContext.LIFECYCLE_PROCESSOR_BEAN_NAME)
    DefaultLifecycleProcessor lifecycleProcessor(TandemProperties properties) {
        DrainProperties drain = properties.drain();
        DefaultLifecycleProcessor processor = new DefaultLifecycleProcessor();
        processor.setTimeoutForShutdownPhase(
                Draining.PHASE, drain.preDelay().plus(BEYOND_DRAIN).toMillis());
        processor.setTimeoutForShutdownPhase(
                WebServerApplicationContext.GRACEFUL_SHUTDOWN_PHASE,
                drain.max().plus(BEYOND_DRAIN).toMillis());
        return processor;
    }

    @Bean
    HealthPages healthPages(Fleet fleet, Router router, Workforce workforce, Draining draining) {
        String version = Objects.requireNonNullElse(
                OpsConfiguration.class.getPackage().getImplementationVersion(), "development");
        return new HealthPages(
                version, workforce.simulated(), fleet::statuses, fleet::snapshot, router::serves, draining);
    }

    @Bean
    ManagementServer managementServer(
            TandemProperties properties,
            FrontDoor managementDoor,
            PrometheusMeterRegistry meters,
            HealthPages health,
            Fleet fleet) {
        Map<String, Supplier<Page>> pages = new HashMap<>(health.byPath());
        pages.put("/metrics", () -> new Page(200, "text/plain; version=0.0.4; charset=utf-8", meters.scrape()));
        TandemProperties.ManagementProperties management = properties.management();
        try {
            return ManagementServer.start(
                    management.address(), management.port(), managementDoor::applyTo, pages, new WorkerDrains(fleet));
        } catch (ChannelBindException e) {
            throw new InvalidConfigurationException(
                    "the management port " + management.port() + " is taken",
                    "Free it, or set MANAGEMENT_PORT to another one (0 takes any).");
        }
    }
}
