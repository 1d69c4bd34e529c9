// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.fleet.WorkerStatus;
import dev.tandem.core.lifecycle.Outcome;
import dev.tandem.gateway.GeneratedPage;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Generates {@code docs/metrics.md} from {@link Meters} and holds the rows against a real scrape. */
final class MeterReferenceTest {
    private static final Pattern TYPE_LINE = Pattern.compile("(?m)^# TYPE (tandem_\\S+) (\\S+)$");
    private static final Pattern HELP_LINE = Pattern.compile("(?m)^# HELP (tandem_\\S+) (.*)$");
    private static final Pattern LABELS = Pattern.compile("(?m)^(tandem_[a-z0-9_]+?)(?:_bucket)?\\{([^}]*)}");
    private static final Pattern LABEL = Pattern.compile("([a-z]+)=\"");

    private static final String HEAD = """
            # Metrics

            Served as Prometheus text under `/metrics` on the management port. This page is generated from `Meters`: a row \
            here is a series there, and no other series begins with `tandem_`. Times are seconds and run on the gateway's \
            clock, which starts when the request has been read; an engine's own figures start later and are smaller.

            A histogram has the series `_bucket`, `_count` and `_sum`, and beside it a gauge `_max` with the largest value \
            of the last minutes. Its bucket bounds are fixed.

            | Name | Type | Tags | Meaning |
            |---|---|---|---|
            """;

    private static final String QUERIES = """

            ## Queries

            | Question | PromQL |
            |---|---|
            | Share of prompt tokens found in a cache (prefix hit ratio) | `sum(rate(tandem_cached_tokens_total[5m])) / sum(rate(tandem_prompt_tokens_total[5m]))` |
            | Time to first token, p99 | `histogram_quantile(0.99, sum by (le) (rate(tandem_ttft_seconds_bucket[5m])))` |
            | Gap between pieces of a stream, p99 | `histogram_quantile(0.99, sum by (le) (rate(tandem_itl_seconds_bucket[5m])))` |
            | Prefill leg, median | `histogram_quantile(0.5, sum by (le) (rate(tandem_leg_seconds_bucket{leg="prefill"}[5m])))` |
            | Share of requests that failed | `sum(rate(tandem_requests_total{outcome=~"failed\\|truncated"}[5m])) / sum(rate(tandem_requests_total[5m]))` |
            | Share of prompts that decode found handed over, by pair | `sum by (pair) (rate(tandem_handover_effective_ratio_sum[15m])) / sum by (pair) (rate(tandem_handover_effective_ratio_count[15m]))` |
            | What fails | `sum by (code) (rate(tandem_failures_total[5m])) > 0` |
            | Retries per request | `sum(rate(tandem_retries_total[5m])) / sum(rate(tandem_requests_total[5m]))` |
            | Workers that get nothing | `tandem_worker_up == 0` |
            | Busiest worker against the mean | `max by (role) (tandem_worker_pending_tokens) / avg by (role) (tandem_worker_pending_tokens)` |

            The prefix hit ratio counts what engines report in `usage.prompt_tokens_details.cached_tokens`; vLLM reports it \
            only when started with `--enable-prompt-tokens-details`, and then of the worker that answered.
            """;

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);

    @Test
    void pageShowsEveryRow() throws IOException {
        StringBuilder page = new StringBuilder(HEAD);
        for (Meters meter : sorted()) {
            page.append("| `%s` | %s | %s | %s |\n"
                    .formatted(meter.prometheusName(), meter.type().label(), keys(meter), meter.sentence()));
        }
        page.append("\n## Tags\n\n| Tag | Values |\n|---|---|\n");
        for (MeterTag tag : MeterTag.values()) {
            page.append("| `%s` | %s |\n".formatted(tag.key(), tag.domain()));
        }
        page.append("\n## Buckets\n\n| Histogram | Upper bounds, of times in s |\n|---|---|\n");
        for (Meters meter : sorted()) {
            if (!meter.bounds().isEmpty()) {
                page.append("| `%s` | %s |\n".formatted(meter.prometheusName(), bounds(meter)));
            }
        }
        new GeneratedPage("metrics.md").verify(page.append(QUERIES).toString());
    }

    @Test
    void scrapeHasEveryRowAndNoOtherSeries() {
        Set<String> expected = new TreeSet<>();
        for (Meters meter : Meters.values()) {
            expected.add(meter.prometheusName() + " " + meter.type().label());
            if (!meter.bounds().isEmpty()) {
                expected.add(meter.prometheusName() + "_max gauge");
            }
        }

        Set<String> scraped = TYPE_LINE
                .matcher(scrape())
                .results()
                .map(line -> line.group(1) + " " + line.group(2))
                .collect(Collectors.toCollection(TreeSet::new));

        assertThat(scraped).isEqualTo(expected);
    }

    @Test
    void helpIsTheSentence() {
        List<MatchResult> lines = HELP_LINE.matcher(scrape()).results().toList();
        for (Meters meter : Meters.values()) {
            assertThat(lines)
                    .filteredOn(line -> line.group(1).equals(meter.prometheusName()))
                    .as(meter.prometheusName())
                    .singleElement()
                    .extracting(line -> line.group(2))
                    .isEqualTo(meter.sentence());
        }
    }

    @Test
    void tagsAreThoseOfTheRow() {
        List<MatchResult> lines = LABELS.matcher(scrape()).results().toList();
        for (Meters meter : Meters.values()) {
            List<String> keys = meter.tags().stream().map(MeterTag::key).toList();
            assertThat(keys).as(meter.prometheusName()).isSorted();
            assertThat(lines)
                    .filteredOn(line -> line.group(1).equals(meter.prometheusName()))
                    .allSatisfy(line -> assertThat(labels(line.group(2))).isEqualTo(keys));
            boolean bare = meter.tags().isEmpty();
            assertThat(lines.stream().anyMatch(line -> line.group(1).equals(meter.prometheusName())))
                    .as(meter.prometheusName())
                    .isEqualTo(!bare || !meter.bounds().isEmpty());
        }
    }

    private String scrape() {
        registry.getPrometheusRegistry().register(new WorkerGauges(() -> List.of(status())));
        new EngineMessageMeters(registry, () -> 0);
        new EdgeMeters(registry, () -> 0, () -> 0);
        new AdmissionMeters(registry, () -> 0, () -> 0, () -> 0);
        new TrialMeters(registry, () -> 0);
        new FleetMeters(registry);
        new MeterListener(registry).onSettled(Records.ended(new Outcome.Completed()));
        return registry.scrape();
    }

    private static WorkerStatus status() {
        Worker worker = new Worker("prefill-0", URI.create("http://127.0.0.1:1"), Role.PREFILL);
        return new WorkerStatus(
                worker, WorkerStatus.State.UP, "ok", Set.of("tiny"), EngineFacts.UNKNOWN, 3, 8, 4_000, 1);
    }

    private static List<Meters> sorted() {
        return Arrays.stream(Meters.values())
                .sorted((a, b) -> a.prometheusName().compareTo(b.prometheusName()))
                .toList();
    }

    private static String keys(Meters meter) {
        return meter.tags().stream().map(tag -> "`" + tag.key() + "`").collect(Collectors.joining(", "));
    }

    private static String bounds(Meters meter) {
        return meter.bounds().stream()
                .map(bound -> java.math.BigDecimal.valueOf(Math.round(bound * 1e9), 9)
                        .stripTrailingZeros()
                        .toPlainString())
                .collect(Collectors.joining(", "));
    }

    /** Returns the keys of a label set, without the bucket's own. */
    private static List<String> labels(String set) {
        return LABEL.matcher(set)
                .results()
                .map(label -> label.group(1))
                .filter(key -> !key.equals("le"))
                .toList();
    }
}
