// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import dev.tandem.gateway.config.TandemProperties.EdgeProperties;
import dev.tandem.gateway.edge.ListenerLimits;
import org.springframework.boot.reactor.netty.NettyReactiveWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import reactor.netty.http.server.HttpServerResponse;
import reactor.netty.http.server.HttpServerState;

/** Limits of the listening socket. */
@Configuration(proxyBeanMethods = false)
class EdgeConfiguration {
    @Bean
    WebServerFactoryCustomizer<NettyReactiveWebServerFactory> listenerLimits(TandemProperties properties) {
        EdgeProperties edge = properties.edge();
        ListenerLimits limits = new ListenerLimits(
                edge.writeStall(),
                edge.idleTimeout(),
                (int) edge.sendBuffer().toBytes(),
                properties.body().readSilence(),
                properties.body().readTimeout());
        return factory -> factory.addServerCustomizers(limits::applyTo);
    }

    /** Whoever gets an answer while the gateway goes down is to connect elsewhere for the next one. */
    @Bean
    WebServerFactoryCustomizer<NettyReactiveWebServerFactory> lastAnswers(Draining draining) {
        return factory -> factory.addServerCustomizers(server -> server.childObserve((connection, state) -> {
            if (state == HttpServerState.REQUEST_RECEIVED
                    && draining.getAsBoolean()
                    && connection instanceof HttpServerResponse response) {
                response.keepAlive(false);
            }
        }));
    }
}
