// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import java.util.EnumSet;
import java.util.Set;

/** One kind of load, measured for every proxy in every round. */
enum Cell {
    /** Saturation, 1 KB body, one JSON answer. */
    REQUEST_1K(1_024, 0, 0, Unit.REQUEST),
    /** Saturation, 128 KB body, one JSON answer. */
    REQUEST_128K(131_072, 0, 0, Unit.REQUEST),
    /** Saturation, 1 MiB body, one JSON answer. */
    REQUEST_1M(1_048_576, 0, 0, Unit.REQUEST),
    /** Streams of 200 events that the worker writes one after the other. */
    EVENT_UNPACED(1_024, 200, 0, Unit.EVENT),
    /** Streams of 200 events, one every 5 ms. */
    EVENT_PACED(1_024, 200, 5_000, Unit.EVENT),
    /**
     * Short streams at a fixed low rate: time to the first event, and the cost of a request when the proxy mostly
     * sleeps.
     */
    LOW_RATE(1_024, 8, 0, Unit.REQUEST),
    /** Saturation with a prompt that is long enough for two legs. */
    EXCHANGE(16_384, 8, 0, Unit.REQUEST),
    /** The same at a fixed low rate. */
    EXCHANGE_LOW_RATE(16_384, 8, 0, Unit.REQUEST);

    private final int bodyBytes;
    private final int events;
    private final long pauseMicros;
    private final Unit unit;

    Cell(int bodyBytes, int events, long pauseMicros, Unit unit) {
        this.bodyBytes = bodyBytes;
        this.events = events;
        this.pauseMicros = pauseMicros;
        this.unit = unit;
    }

    /** The cells that every proxy is measured in. */
    static Set<Cell> singleLeg() {
        return EnumSet.range(REQUEST_1K, LOW_RATE);
    }

    /** The cells that compare one leg with two. */
    static Set<Cell> exchanges() {
        return EnumSet.of(EXCHANGE, EXCHANGE_LOW_RATE);
    }

    Shape shape() {
        return new Shape(bodyBytes, events, pauseMicros);
    }

    Unit unit() {
        return unit;
    }

    boolean lowRate() {
        return this == LOW_RATE || this == EXCHANGE_LOW_RATE;
    }

    /** What processor time is divided by. */
    enum Unit {
        /** Complete answers. */
        REQUEST,
        /** Content events; the stream's request, usage event and end are paid for by its events. */
        EVENT
    }
}
