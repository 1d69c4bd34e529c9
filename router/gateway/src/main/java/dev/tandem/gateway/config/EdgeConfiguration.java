// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import dev.tandem.core.lifecycle.EdgeListener;
import dev.tandem.gateway.api.ErrorWriter;
import dev.tandem.gateway.config.TandemProperties.EdgeProperties;
import dev.tandem.gateway.edge.Connections;
import dev.tandem.gateway.edge.FrontDoor;
import dev.tandem.gateway.edge.HeadLimits;
import dev.tandem.gateway.edge.ListenerLimits;
import dev.tandem.gateway.edge.OpenFiles;
import org.springframework.boot.reactor.netty.NettyReactiveWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import reactor.netty.http.server.HttpServerResponse;
import reactor.netty.http.server.HttpServerState;

/** Limits of the listening socket, of its connections and of heads. */
@Configuration(proxyBeanMethods = false)
class EdgeConfiguration {
    /** Enough for orchestrators and whoever reads metrics, and too few to be missed among the open files. */
    private static final int MANAGEMENT_CONNECTIONS = 128;

    private static final int MANAGEMENT_CONNECTIONS_OF_PEER = 32;

    @Bean
    Connections connections(TandemProperties properties) {
        EdgeProperties edge = properties.edge();
        return new Connections(OpenFiles.ofThisProcess().clients(edge.maxConnections()), edge.maxConnectionsPerPeer());
    }

    @Bean
    HeadLimits headLimits(TandemProperties properties) {
        EdgeProperties edge = properties.edge();
        return new HeadLimits(
                (int) edge.maxRequestLine().toBytes(),
                (int) edge.maxHeaderSize().toBytes(),
                edge.maxHeaders(),
                edge.headTimeout(),
                edge.maxPipelined());
    }

    @Bean
    ListenerLimits listenerLimits(TandemProperties properties) {
        EdgeProperties edge = properties.edge();
        return new ListenerLimits(
                edge.writeStall(),
                edge.idleTimeout(),
                (int) edge.sendBuffer().toBytes(),
                properties.body().readSilence(),
                properties.body().readTimeout());
    }

    @Bean
    FrontDoor clientDoor(
            Connections connections,
            ListenerLimits limits,
            HeadLimits heads,
            ErrorWriter errors,
            EdgeListener listener) {
        return new FrontDoor(connections, limits, heads, errors::bytes, listener);
    }

    /** Has connections of its own to give, so that clients cannot take them all. */
    @Bean
    FrontDoor managementDoor(ListenerLimits limits, HeadLimits heads, ErrorWriter errors, EdgeListener listener) {
        return new FrontDoor(
                new Connections(MANAGEMENT_CONNECTIONS, MANAGEMENT_CONNECTIONS_OF_PEER),
                limits,
                heads,
                errors::bytes,
                listener);
    }

    @Bean
    WebServerFactoryCustomizer<NettyReactiveWebServerFactory> doorForClients(FrontDoor clientDoor) {
        return factory -> factory.addServerCustomizers(clientDoor::applyTo);
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
