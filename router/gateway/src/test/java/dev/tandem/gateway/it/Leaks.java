// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.netty.util.ResourceLeakDetector;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.LoggerFactory;

/**
 * Buffers that were collected as garbage before they were released, as Netty reports them some time later. Thread-safe.
 */
final class Leaks extends AppenderBase<ILoggingEvent> {
    private static final List<String> SEEN = new CopyOnWriteArrayList<>();

    private Leaks() {}

    /** Begins to watch; to be called after each start of a gateway, which sets logging up anew. */
    static void watch() {
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        Leaks appender = new Leaks();
        appender.setContext(context);
        appender.start();
        Logger logger = context.getLogger(ResourceLeakDetector.class);
        logger.addAppender(appender);
    }

    /** Returns the reports of this process so far. */
    static List<String> seen() {
        return SEEN;
    }

    @Override
    protected void append(ILoggingEvent event) {
        if (event.getFormattedMessage().startsWith("LEAK:")) {
            SEEN.add(event.getFormattedMessage());
        }
    }
}
