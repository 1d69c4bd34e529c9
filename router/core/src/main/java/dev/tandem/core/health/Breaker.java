// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.health;

import dev.tandem.core.time.Ticker;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Keeps requests from whoever fails them, and finds out when that has ended. Thread-safe.
 *
 * <p>States: CLOSED lets everything pass. It opens after {@link BreakerSettings#failures()} failures in a row, or when
 * of at least {@code shareFrom} outcomes of 30 s the share {@code share} are failures. OPEN lets nothing pass for
 * {@code open × 2ⁿ}, at most {@code longestOpen}, give or take a fifth; n counts the times it has opened before without
 * having been closed for {@code longestOpen} in between. HALF_OPEN lets one request pass at a time: if it succeeds the
 * breaker closes, if it fails it opens again.
 *
 * <p>What ends while the breaker is open, or half open with no request on probation, was begun before and changes
 * nothing.
 */
public final class Breaker {
    private static final double JITTER = 0.2;
    private static final int MOST_DOUBLINGS = 20;

    private final BreakerSettings settings;
    private final Ticker ticker;
    private final DoubleSupplier random;

    /** Guarded by this, as all that follows; the volatile ones may be read by anybody. */
    private final OutcomeWindow window = new OutcomeWindow();

    private volatile boolean closed = true;
    private volatile long openUntil;
    private volatile @Nullable Probation probation;
    private int inARow;
    private int openings;
    private long closedSince;

    /**
     * Makes a closed breaker.
     *
     * @param random numbers in [0, 1)
     */
    public Breaker(BreakerSettings settings, Ticker ticker, DoubleSupplier random) {
        this.settings = settings;
        this.ticker = ticker;
        this.random = random;
        this.closedSince = ticker.nanoTime();
    }

    /** What a breaker lets pass. */
    public enum State {
        /** Everything. */
        CLOSED,
        /** Nothing. */
        OPEN,
        /** One request at a time. */
        HALF_OPEN
    }

    /** Returns the state; reads the clock unless the breaker is closed. */
    public State state() {
        if (closed) {
            return State.CLOSED;
        }
        return ticker.nanoTime() - openUntil < 0 ? State.OPEN : State.HALF_OPEN;
    }

    /** Whether a request may pass now. */
    public boolean admits() {
        return switch (state()) {
            case CLOSED -> true;
            case OPEN -> false;
            case HALF_OPEN -> probation == null;
        };
    }

    /** A request begins; if it is the one on probation its probation is returned, else null. */
    public @Nullable Probation begins() {
        return closed ? null : beginsProbation();
    }

    private synchronized @Nullable Probation beginsProbation() {
        if (state() != State.HALF_OPEN || probation != null) {
            return null;
        }
        Probation begun = new Probation();
        probation = begun;
        return begun;
    }

    /** Whether requests are to prove something: all of them while it is closed, else the one on probation. */
    public boolean watches() {
        return closed || proves();
    }

    /** A request has succeeded. */
    public synchronized void onSuccess() {
        if (closed) {
            inARow = 0;
            window.add(false, ticker.nanoTime());
        } else if (proves()) {
            closed = true;
            closedSince = ticker.nanoTime();
            forget();
        }
    }

    /** A request has failed. */
    public synchronized void onFailure() {
        if (!closed) {
            if (proves()) {
                open();
            }
            return;
        }
        inARow++;
        window.add(true, ticker.nanoTime());
        if (inARow >= settings.failures() || tooMany()) {
            open();
        }
    }

    /** Opens, whatever requests say. */
    public synchronized void open() {
        if (closed && ticker.nanoTime() - closedSince > settings.longestOpen().toNanos()) {
            openings = 0;
        }
        double jitter = 1 + JITTER * (2 * random.getAsDouble() - 1);
        long doubled = settings.open().toNanos() << Math.min(openings, MOST_DOUBLINGS);
        long bound = Math.min(doubled, settings.longestOpen().toNanos());
        openUntil = ticker.nanoTime() + (long) (bound * jitter);
        openings++;
        closed = false;
        probation = null;
        forget();
    }

    /** Lets one request pass, as behind a time of being open. */
    public synchronized void halfOpen() {
        openUntil = ticker.nanoTime();
        closed = false;
        probation = null;
        forget();
    }

    /** Returns how many failures have followed each other. */
    public synchronized int failuresInARow() {
        return inARow;
    }

    private boolean proves() {
        return probation != null && state() == State.HALF_OPEN;
    }

    private boolean tooMany() {
        int outcomes = window.outcomes();
        return outcomes >= settings.shareFrom() && window.failures() >= settings.share() * outcomes;
    }

    private void forget() {
        inARow = 0;
        window.clear();
    }

    /** The one request that a half open breaker lets pass. Thread-safe. */
    public final class Probation {
        private Probation() {}

        /** The request has ended, whether it has proved something or not. */
        public void end() {
            synchronized (Breaker.this) {
                if (probation == this) {
                    probation = null;
                }
            }
        }
    }
}
