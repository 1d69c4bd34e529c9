// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import java.io.IOException;
import java.time.Duration;

/** What a gateway counts, read from its management port. Thread-safe. */
public final class Meters {
    private static final String[] AT_WORK = {
        "tandem_edge_connections",
        "tandem_edge_bodies_bytes",
        "tandem_running",
        "tandem_waiting",
        "tandem_in_flight",
        "tandem_worker_in_flight"
    };
    private static final long PAUSE_MILLIS = 50;

    private final int port;

    Meters(int port) {
        this.port = port;
    }

    /** Returns the page of all meters. */
    public String page() throws IOException {
        try (Caller caller = Caller.open(port).patience(Duration.ofSeconds(30))) {
            return caller.ask("GET", "/metrics").body();
        }
    }

    /**
     * Returns the sum of all series of a meter.
     *
     * @param label Part of the labels that a series must have, empty for any.
     */
    public static double sum(String page, String name, String label) {
        return page.lines()
                .filter(line -> line.startsWith(name) && line.contains(label))
                .filter(line -> line.charAt(name.length()) == '{' || line.charAt(name.length()) == ' ')
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .filter(value -> !Double.isNaN(value))
                .sum();
    }

    /**
     * Returns what the gateway still has to do once it has had the time to end it: connections, requests in all places
     * where they count, and bytes of their bodies.
     */
    public double left(Duration patience) throws IOException, InterruptedException {
        long end = System.nanoTime() + patience.toNanos();
        double left = left();
        while (left > 0 && System.nanoTime() < end) {
            Thread.sleep(PAUSE_MILLIS);
            left = left();
        }
        return left;
    }

    private double left() throws IOException {
        String page = page();
        double left = 0;
        for (String name : AT_WORK) {
            left += sum(page, name, "");
        }
        return left;
    }
}
