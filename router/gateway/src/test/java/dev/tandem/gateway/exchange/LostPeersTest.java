// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelOption;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollChannelOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import reactor.netty.DisposableServer;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.server.HttpServer;

class LostPeersTest {
    @Test
    void theKernelAsksWhetherThePeerIsThere() throws Exception {
        assumeTrue(Epoll.isAvailable());
        CompletableFuture<List<Object>> connected = new CompletableFuture<>();
        DisposableServer server = HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .handle((request, response) -> response.send())
                .bindNow();
        try {
            LostPeers.noticed(HttpClient.newConnection())
                    .doOnConnected(connection ->
                            connected.complete(options(connection.channel().config())))
                    .get()
                    .uri("http://127.0.0.1:" + server.port() + "/")
                    .response()
                    .block(Duration.ofSeconds(30));

            assertThat(connected.get()).containsExactly(true, 15, 5, 3, 20_000);
        } finally {
            server.disposeNow();
        }
    }

    /** Read while the connection is open. */
    private static List<Object> options(ChannelConfig config) {
        return List.of(
                config.getOption(ChannelOption.SO_KEEPALIVE),
                config.getOption(EpollChannelOption.TCP_KEEPIDLE),
                config.getOption(EpollChannelOption.TCP_KEEPINTVL),
                config.getOption(EpollChannelOption.TCP_KEEPCNT),
                config.getOption(EpollChannelOption.TCP_USER_TIMEOUT));
    }
}
