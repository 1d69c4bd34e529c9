// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import io.netty.channel.ChannelOption;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollChannelOption;
import reactor.netty.http.client.HttpClient;

/**
 * Lets the kernel notice engines whose machine or network has gone without a word: an idle connection is asked after 15
 * s, three times at 5 s, and what was sent may stay unconfirmed for 20 s. Without epoll the kernel's own times hold,
 * which are hours. Stateless.
 */
final class LostPeers {
    private static final int IDLE_SECONDS = 15;
    private static final int INTERVAL_SECONDS = 5;
    private static final int ATTEMPTS = 3;
    private static final int UNCONFIRMED_MILLIS = 20_000;

    private LostPeers() {}

    static HttpClient noticed(HttpClient client) {
        HttpClient asking = client.option(ChannelOption.SO_KEEPALIVE, true);
        return Epoll.isAvailable()
                ? asking.option(EpollChannelOption.TCP_KEEPIDLE, IDLE_SECONDS)
                        .option(EpollChannelOption.TCP_KEEPINTVL, INTERVAL_SECONDS)
                        .option(EpollChannelOption.TCP_KEEPCNT, ATTEMPTS)
                        .option(EpollChannelOption.TCP_USER_TIMEOUT, UNCONFIRMED_MILLIS)
                : asking;
    }
}
