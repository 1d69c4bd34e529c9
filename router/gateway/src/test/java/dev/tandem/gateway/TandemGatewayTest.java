// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Properties;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TandemGatewayTest {
    private static final String READ_AHEAD = "reactor.netty.send.maxPrefetchSize";

    private final Properties before = (Properties) System.getProperties().clone();

    @AfterEach
    void restore() {
        System.setProperties(before);
    }

    @Test
    void littleIsReadAheadForClientsThatDoNotRead() {
        System.clearProperty(READ_AHEAD);

        TandemGateway.tuneReactorNetty();

        assertThat(System.getProperty(READ_AHEAD)).isEqualTo("8");
        assertThat(System.getProperty("reactor.netty.ioWorkerCount"))
                .isEqualTo(Integer.toString(Runtime.getRuntime().availableProcessors()));
    }

    @Test
    void theCommandLineGoesFirst() {
        System.setProperty(READ_AHEAD, "16");

        TandemGateway.tuneReactorNetty();

        assertThat(System.getProperty(READ_AHEAD)).isEqualTo("16");
    }
}
