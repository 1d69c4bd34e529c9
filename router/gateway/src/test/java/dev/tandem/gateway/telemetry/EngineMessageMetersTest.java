// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.lifecycle.EngineMessageListener.Message;
import dev.tandem.core.lifecycle.EngineMessageListener.Verdict;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class EngineMessageMetersTest {
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final AtomicInteger engines = new AtomicInteger();
    private final EngineMessageMeters meters = new EngineMessageMeters(registry, engines::get);

    @Test
    void everyVerdictIsThereBeforeTheFirstMessage() {
        assertThat(registry.scrape().lines().filter(line -> line.startsWith("tandem_engine_messages_total{")))
                .hasSize(Message.values().length * Verdict.values().length)
                .allSatisfy(line -> assertThat(line).endsWith(" 0.0"));
    }

    @Test
    void countsMessagesByVerdict() {
        meters.onMessage(Message.REGISTRATION, Verdict.REFUSED);
        meters.onMessage(Message.REGISTRATION, Verdict.REFUSED);

        assertThat(registry.scrape())
                .contains("tandem_engine_messages_total{message=\"registration\",verdict=\"refused\"} 2.0");
    }

    @Test
    void readsTheNumberOfEnginesAtEachScrape() {
        assertThat(registry.scrape()).contains("tandem_registered_engines 0.0");
        engines.set(3);
        assertThat(registry.scrape()).contains("tandem_registered_engines 3.0");
    }
}
