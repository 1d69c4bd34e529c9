// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.edge;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.lifecycle.EdgeListener.Rejection;
import io.netty.channel.embedded.EmbeddedChannel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class ConnectionsTest {
    private final List<EmbeddedChannel> channels = new ArrayList<>();

    @Test
    void allTogetherAreLimited() {
        Connections connections = new Connections(2, 0);
        assertThat(admit(connections, "10.0.0.1")).isNull();
        assertThat(admit(connections, "10.0.0.1")).isNull();
        assertThat(admit(connections, "10.0.0.2")).isEqualTo(Rejection.CONNECTIONS);
        assertThat(connections.open()).isEqualTo(2);

        channels.getFirst().close().syncUninterruptibly();

        assertThat(connections.open()).isEqualTo(1);
        assertThat(admit(connections, "10.0.0.2")).isNull();
    }

    @Test
    void thoseOfAnAddressAreLimited() {
        Connections connections = new Connections(100, 2);
        assertThat(admit(connections, "10.0.0.1")).isNull();
        assertThat(admit(connections, "10.0.0.1")).isNull();
        assertThat(admit(connections, "10.0.0.1")).isEqualTo(Rejection.CONNECTIONS_OF_PEER);
        assertThat(admit(connections, "10.0.0.2")).isNull();
        assertThat(connections.open()).isEqualTo(3);

        channels.getFirst().close().syncUninterruptibly();

        assertThat(admit(connections, "10.0.0.1")).isNull();
        assertThat(admit(connections, "10.0.0.1")).isEqualTo(Rejection.CONNECTIONS_OF_PEER);
    }

    @Test
    void anIpv6NetworkIsOneAddress() {
        Connections connections = new Connections(100, 1);
        assertThat(admit(connections, "2001:db8:0:1::1")).isNull();
        assertThat(admit(connections, "2001:db8:0:1:ffff::2")).isEqualTo(Rejection.CONNECTIONS_OF_PEER);
        assertThat(admit(connections, "2001:db8:0:2::1")).isNull();
    }

    @Test
    void thisMachineIsNotCountedByAddress() {
        Connections connections = new Connections(3, 1);
        assertThat(admit(connections, "127.0.0.1")).isNull();
        assertThat(admit(connections, "127.0.0.1")).isNull();
        assertThat(admit(connections, "::1")).isNull();
        assertThat(admit(connections, "127.0.0.1")).isEqualTo(Rejection.CONNECTIONS);
    }

    private @Nullable Rejection admit(Connections connections, String from) {
        EmbeddedChannel channel = new EmbeddedChannel() {
            @Override
            protected SocketAddress remoteAddress0() {
                try {
                    return new InetSocketAddress(InetAddress.getByName(from), 1);
                } catch (UnknownHostException e) {
                    throw new AssertionError(e);
                }
            }
        };
        channels.add(channel);
        return connections.admit(channel);
    }
}
