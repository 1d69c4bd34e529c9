// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import dev.tandem.core.disagg.ConnectorChoice;
import dev.tandem.core.disagg.KvConnector.Need;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.lifecycle.EngineMessageListener;
import dev.tandem.core.time.Ticker;
import dev.tandem.gateway.config.TandemProperties.EngineHttpProperties;
import dev.tandem.gateway.config.TandemProperties.NotificationProperties;
import dev.tandem.gateway.config.TandemProperties.RegistryProperties;
import dev.tandem.gateway.handover.ListenerSettings;
import dev.tandem.gateway.handover.NoticeServer;
import dev.tandem.gateway.handover.Notices;
import dev.tandem.gateway.handover.ProxyNotifications;
import dev.tandem.gateway.handover.RegisteredEngine;
import dev.tandem.gateway.handover.Registry;
import dev.tandem.gateway.pipeline.Pairings;
import java.net.URI;
import java.util.List;
import java.util.Objects;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import reactor.core.scheduler.Schedulers;

/** Opens the listeners for engines that are switched on. */
@Configuration(proxyBeanMethods = false)
class HandoverConfiguration {
    private static final String REGISTRY = "tandem.handover.registry";
    private static final String NOTIFICATIONS = "tandem.handover.notifications";
    private static final String HTTP = "tandem.handover.http";

    private static final int WAITING_FOR_NOTICES = 65_536;

    @Bean
    Notices notices(EngineMessageListener listener) {
        return new Notices(WAITING_FOR_NOTICES, Schedulers.parallel(), listener);
    }

    @Bean
    @ConditionalOnBooleanProperty(REGISTRY + ".enabled")
    Registry registry(
            TandemProperties properties,
            Workforce workforce,
            Fleet fleet,
            EngineMessageListener listener,
            Ticker ticker) {
        RegistryProperties wanted = properties.handover().registry();
        ListenerSettings settings =
                EngineListeners.settings(REGISTRY, wanted.address(), wanted.port(), wanted.allowed());
        Registry.Rules rules = new Registry.Rules(wanted.maxEngines(), wanted.onlyOwnAddress());
        return EngineListeners.open(
                REGISTRY,
                settings,
                () -> Registry.open(settings, rules, ticker, listener, new Registrations(workforce, fleet)));
    }

    /** Registered engines become workers, and those that pass their probes stay. Thread-safe. */
    private record Registrations(Workforce workforce, Fleet fleet) implements Registry.Watcher {
        @Override
        public void onChange(List<RegisteredEngine> engines) {
            workforce.register(engines);
            fleet.replace(workforce.workers());
        }

        @Override
        public boolean passesProbes(URI baseUrl) {
            return fleet.statuses().stream()
                    .anyMatch(status -> status.worker().baseUrl().equals(baseUrl)
                            && status.state().passesProbes());
        }
    }

    @Bean
    @ConditionalOnBooleanProperty(NOTIFICATIONS + ".enabled")
    ProxyNotifications proxyNotifications(
            TandemProperties properties, Notices notices, EngineMessageListener listener, Ticker ticker) {
        NotificationProperties wanted = properties.handover().notifications();
        ListenerSettings settings =
                EngineListeners.settings(NOTIFICATIONS, wanted.address(), wanted.port(), wanted.allowed());
        return EngineListeners.open(
                NOTIFICATIONS, settings, () -> ProxyNotifications.open(settings, notices, ticker, listener));
    }

    @Bean
    @ConditionalOnBooleanProperty(HTTP + ".enabled")
    NoticeServer noticeServer(
            TandemProperties properties, Notices notices, EngineMessageListener listener, Ticker ticker) {
        EngineHttpProperties wanted = properties.handover().http();
        String token = wanted.token() == null || wanted.token().isEmpty() ? null : wanted.token();
        ListenerSettings settings = EngineListeners.settings(HTTP, wanted.address(), wanted.port(), wanted.allowed());
        return EngineListeners.open(
                HTTP, settings, () -> NoticeServer.open(settings, token, notices, ticker, listener));
    }

    /** @throws InvalidConfigurationException if decode workers are to call an address that is none for them */
    @Bean
    Pairings pairings(TandemProperties properties, ConnectorChoice connectors, ObjectProvider<NoticeServer> server) {
        EngineHttpProperties http = properties.handover().http();
        boolean reuseTokens = properties.disagg().reuseTokenIds();
        String url = http.callbackUrl();
        NoticeServer listening = server.getIfAvailable();
        if ((url != null && !url.isEmpty()) || listening == null) {
            return new Pairings(Objects.requireNonNullElse(url, ""), reuseTokens);
        }
        if (connectors.needs().contains(Need.METASERVER) && EngineListeners.everywhere(HTTP, http.address())) {
            throw new InvalidConfigurationException(
                    "decode workers can not call the gateway back at " + http.address(),
                    "Set " + HTTP + ".callback-url to a URL by which they reach it, such as"
                            + " http://10.0.0.1:5768/v1/metaserver.");
        }
        return new Pairings("http://" + http.address() + ":" + listening.port() + "/v1/metaserver", reuseTokens);
    }
}
