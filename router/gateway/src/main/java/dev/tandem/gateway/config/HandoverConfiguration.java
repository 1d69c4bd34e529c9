// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

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
import dev.tandem.gateway.handover.Registry;
import dev.tandem.gateway.pipeline.Pairings;
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
                () -> Registry.open(settings, rules, ticker, listener, engines -> {
                    workforce.register(engines);
                    fleet.replace(workforce.workers());
                }));
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

    @Bean
    Pairings pairings(TandemProperties properties, ObjectProvider<NoticeServer> server) {
        EngineHttpProperties http = properties.handover().http();
        String url = http.callbackUrl();
        if (url != null && !url.isEmpty()) {
            return new Pairings(url);
        }
        NoticeServer listening = server.getIfAvailable();
        return new Pairings(
                listening == null ? "" : "http://" + http.address() + ":" + listening.port() + "/v1/metaserver");
    }
}
