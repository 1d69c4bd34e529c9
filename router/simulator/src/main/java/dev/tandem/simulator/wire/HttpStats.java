// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.wire;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.ToDoubleFunction;

/**
 * What the HTTP middleware of a vLLM server counts: requests by handler, method and status class. Thread-safe. Probes
 * are not counted.
 */
public final class HttpStats {
    private static final Set<String> UNCOUNTED =
            Set.of("/metrics", "/health", "/load", "/ping", "/version", "/server_info");

    private static final double[] FINE = {
        0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 7.5, 10, 30, 60
    };
    private static final double[] COARSE = {0.1, 0.5, 1};
    private static final String REQUESTS = "Total number of requests by method, status and handler.";
    private static final String SIZE = "Content length of %s by handler. Only value of header is respected."
            + " Otherwise ignored. No percentile calculated. ";
    private static final String FINE_HELP =
            "Latency with many buckets but no API specific labels. Made for more accurate percentile calculations. ";
    private static final String COARSE_HELP = "Latency with only few buckets by handler. Made to be only used if"
            + " aggregation by handler is important. ";

    private final double startSeconds;
    private final Map<String, Count> requests = new LinkedHashMap<>();
    private final Map<String, Count> requestBytes = new LinkedHashMap<>();
    private final Map<String, Count> responseBytes = new LinkedHashMap<>();
    private final Map<String, Count> seconds = new LinkedHashMap<>();
    private final Count all;

    /** Starts counting at a time in seconds since 1970. */
    public HttpStats(double startSeconds) {
        this.startSeconds = startSeconds;
        this.all = new Count(startSeconds, FINE);
    }

    /**
     * An answered request.
     *
     * @param path Its path.
     * @param routed The path is one of the server's.
     * @param method HTTP method.
     * @param status HTTP status of the answer.
     * @param requestBytes Length of its body.
     * @param responseBytes Length of the answer's body; 0 for a stream.
     */
    public record Exchange(
            String path, boolean routed, String method, int status, long requestBytes, long responseBytes) {}

    /** Counts an answered request that took this long. */
    public synchronized void count(Exchange exchange, double tookSeconds, double nowSeconds) {
        if (UNCOUNTED.contains(exchange.path)) {
            return;
        }
        String handler = "handler=\"" + (exchange.routed ? exchange.path : "none") + "\"";
        String method = ",method=\"" + exchange.method + "\"";
        String status = ",status=\"" + exchange.status / 100 + "xx\"";
        add(requests, handler + method + status, 1, nowSeconds);
        add(requestBytes, handler, (double) exchange.requestBytes, nowSeconds);
        add(responseBytes, handler, (double) exchange.responseBytes, nowSeconds);
        add(seconds, handler + method, tookSeconds, nowSeconds);
        all.add(tookSeconds);
    }

    private static void add(Map<String, Count> counts, String labels, double value, double nowSeconds) {
        counts.computeIfAbsent(labels, fresh -> new Count(nowSeconds, COARSE)).add(value);
    }

    synchronized void write(PrometheusText out) {
        out.family("http_requests_total", "counter", REQUESTS);
        each(out, "http_requests_total", requests, Count::number);
        out.createdFamily("http_requests", REQUESTS);
        each(out, "http_requests_created", requests, Count::since);
        summary(out, "http_request_size_bytes", SIZE.formatted("incoming requests"), requestBytes);
        summary(out, "http_response_size_bytes", SIZE.formatted("outgoing responses"), responseBytes);
        out.family("http_request_duration_highr_seconds", "histogram", FINE_HELP);
        all.write(out, "http_request_duration_highr_seconds", "");
        out.createdFamily("http_request_duration_highr_seconds", FINE_HELP);
        out.sample("http_request_duration_highr_seconds_created", "", startSeconds);
        out.family("http_request_duration_seconds", "histogram", COARSE_HELP);
        seconds.forEach((labels, count) -> count.write(out, "http_request_duration_seconds", labels));
        out.createdFamily("http_request_duration_seconds", COARSE_HELP);
        each(out, "http_request_duration_seconds_created", seconds, Count::since);
    }

    private static void summary(PrometheusText out, String name, String help, Map<String, Count> counts) {
        out.family(name, "summary", help);
        counts.forEach((labels, count) -> {
            out.sample(name + "_count", labels, count.number());
            out.sample(name + "_sum", labels, count.sum);
        });
        out.createdFamily(name, help);
        each(out, name + "_created", counts, Count::since);
    }

    private static void each(
            PrometheusText out, String name, Map<String, Count> counts, ToDoubleFunction<Count> value) {
        counts.forEach((labels, count) -> out.sample(name, labels, value.applyAsDouble(count)));
    }

    /** Number, sum and buckets of one series. */
    private static final class Count {
        private final double since;
        private final double[] bounds;
        private final long[] buckets;
        private long number;
        private double sum;

        Count(double since, double[] bounds) {
            this.since = since;
            this.bounds = bounds;
            this.buckets = new long[bounds.length];
        }

        void add(double value) {
            number++;
            sum += value;
            for (int i = 0; i < bounds.length; i++) {
                if (value <= bounds[i]) {
                    buckets[i]++;
                }
            }
        }

        double number() {
            return (double) number;
        }

        double since() {
            return since;
        }

        /** Labels are in alphabetical order. */
        void write(PrometheusText out, String name, String labels) {
            String pattern = labels.isEmpty() ? "le=\"%s\"" : labels.replaceFirst(",", ",le=\"%s\",");
            for (int i = 0; i < bounds.length; i++) {
                out.sample(name + "_bucket", pattern.formatted(PrometheusText.number(bounds[i])), (double) buckets[i]);
            }
            out.sample(name + "_bucket", pattern.formatted("+Inf"), number());
            out.sample(name + "_count", labels, number());
            out.sample(name + "_sum", labels, sum);
        }
    }
}
