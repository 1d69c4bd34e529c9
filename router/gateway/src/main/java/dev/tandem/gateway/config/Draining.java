// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import dev.tandem.gateway.config.settings.DrainProperties;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.ApplicationListener;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.event.ContextClosedEvent;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.scheduler.Schedulers;

/**
 * Lets the gateway end without cutting anybody off. Thread-safe.
 *
 * <p>When the context closes the gateway is not ready any more, and its answers close their connections. For
 * {@code preDelay} it goes on to accept requests. Then Boot's graceful shutdown, the next phase, closes the listening
 * socket and waits for the answers that run; after {@code max} those that are left are cut off, with an error event.
 */
final class Draining
        implements SmartLifecycle, ApplicationListener<ContextClosedEvent>, BooleanSupplier, AutoCloseable {
    /** Phases stop from the highest to the lowest: just before the listening socket closes. */
    static final int PHASE = WebServerApplicationContext.GRACEFUL_SHUTDOWN_PHASE + 1;

    private static final Logger LOG = LoggerFactory.getLogger(Draining.class);

    private final DrainProperties settings;
    private final Runnable hangUp;
    private final Disposable.Composite timers = Disposables.composite();
    private volatile boolean running;
    private volatile boolean draining;

    /**
     * Makes one.
     *
     * @param hangUp cuts off what still runs
     */
    Draining(DrainProperties settings, Runnable hangUp) {
        this.settings = settings;
        this.hangUp = hangUp;
    }

    @Override
    public void onApplicationEvent(ContextClosedEvent event) {
        draining = true;
    }

    /** Whether the gateway is going down. */
    @Override
    public boolean getAsBoolean() {
        return draining;
    }

    @Override
    public void start() {
        running = true;
    }

    /** Stops without a delay; only a context that closes drains. */
    @Override
    public void stop() {
        running = false;
    }

    @Override
    public void stop(Runnable stopped) {
        if (!draining) {
            stop();
            stopped.run();
            return;
        }
        LOG.info(
                "draining, new requests are served for={} and running ones for={}",
                settings.preDelay(),
                settings.max());
        after(settings.preDelay(), () -> {
            after(settings.max(), this::timeIsUp);
            stop();
            stopped.run();
        });
    }

    private void timeIsUp() {
        LOG.warn("drained for too long, answers that still run are cut off");
        hangUp.run();
    }

    private void after(Duration delay, Runnable then) {
        timers.add(Schedulers.parallel().schedule(then, delay.toMillis(), TimeUnit.MILLISECONDS));
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    @Override
    public int getPhase() {
        return PHASE;
    }

    @Override
    public void close() {
        timers.dispose();
    }
}
