// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/** Starts the gateway. */
@SpringBootApplication
public class TandemGateway {
    /** Buffers of an answer that are read ahead for a client that does not take them. */
    private static final String READ_AHEAD = "reactor.netty.send.maxPrefetchSize";

    /** Threads that read and write sockets. */
    private static final String EVENT_LOOPS = "reactor.netty.ioWorkerCount";

    /** Starts the gateway with the arguments of Spring Boot. */
    public static void main(String... arguments) {
        tuneReactorNetty();
        SpringApplication.run(TandemGateway.class, arguments);
    }

    /**
     * Sets what Reactor Netty reads when its classes are loaded, unless the command line has set it.
     *
     * <p>A client that does not read stays cheap: the default of 128 buffers costs 0.33 MB per stalled stream, 8 cost
     * 0.12 MB. One event loop per core: nothing here blocks, and more loops than cores only take turns.
     */
    static void tuneReactorNetty() {
        setDefault(READ_AHEAD, "8");
        setDefault(EVENT_LOOPS, Integer.toString(Runtime.getRuntime().availableProcessors()));
    }

    private static void setDefault(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }
}
