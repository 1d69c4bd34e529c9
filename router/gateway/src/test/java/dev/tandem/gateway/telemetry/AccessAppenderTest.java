// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.AsyncAppender;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.joran.JoranConfigurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.joran.spi.JoranException;
import java.io.OutputStream;
import java.util.Objects;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Holds the shipped {@code logback-spring.xml} to its promise: whoever writes an access line never waits. */
final class AccessAppenderTest {
    private final LoggerContext context = new LoggerContext();

    @BeforeEach
    void load() throws JoranException {
        context.setMDCAdapter(new LogbackMDCAdapter());
        JoranConfigurator configurator = new JoranConfigurator();
        configurator.setContext(context);
        configurator.doConfigure(Objects.requireNonNull(AccessAppenderTest.class.getResource("/logback-spring.xml")));
    }

    @AfterEach
    void stop() {
        context.stop();
    }

    @Test
    @Timeout(60)
    void aStalledConsoleHoldsNobodyUp() {
        Logger logger = context.getLogger(AccessLog.LOGGER);
        AsyncAppender access = (AsyncAppender) logger.getAppender("ACCESS");
        Stalled console = new Stalled();
        ((ConsoleAppender<ILoggingEvent>) access.getAppender("ACCESS_CONSOLE")).setOutputStream(console);

        int lines = 3 * access.getQueueSize();
        for (int i = 0; i < lines; i++) {
            logger.info("line");
        }

        console.open.release();
        access.stop();
        // The console's thread may have taken a queue full of lines out at once before it stalled.
        assertThat(console.written.get()).isBetween(access.getQueueSize(), lines - 1);
    }

    @Test
    void accessLinesStayOutOfTheOrdinaryLog() {
        assertThat(context.getLogger(AccessLog.LOGGER).isAdditive()).isFalse();
        assertThat(context.getLogger("ROOT").getAppender("CONSOLE")).isNotNull();
    }

    /** A console that takes nothing until it is opened. */
    private static final class Stalled extends OutputStream {
        private final Semaphore open = new Semaphore(0);
        private final AtomicInteger written = new AtomicInteger();

        @Override
        public void write(int b) {
            // Not to be interrupted: an appender that stops interrupts its thread, and a failed write would end it.
            open.acquireUninterruptibly();
            open.release();
            if (b == '\n') {
                written.incrementAndGet();
            }
        }
    }
}
