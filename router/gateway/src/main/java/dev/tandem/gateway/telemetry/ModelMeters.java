// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import dev.tandem.core.lifecycle.RequestRecord;
import dev.tandem.core.request.ApiKind;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.concurrent.ConcurrentHashMap;

/** The meters of one model. Thread-safe; the meters of an API appear with its first request. */
final class ModelMeters {
    private final MeterRegistry registry;
    private final String model;
    private final Counter promptTokens;
    private final Counter cachedTokens;
    private final Counter outputTokens;
    private final ConcurrentHashMap<ApiKind, ApiMeters> apis = new ConcurrentHashMap<>();

    ModelMeters(MeterRegistry registry, String model) {
        this.registry = registry;
        this.model = model;
        this.promptTokens = Meters.PROMPT_TOKENS.counter(registry, model);
        this.cachedTokens = Meters.CACHED_TOKENS.counter(registry, model);
        this.outputTokens = Meters.OUTPUT_TOKENS.counter(registry, model);
    }

    void onSettled(RequestRecord record) {
        RequestRecord.Usage usage = record.usage();
        MeterListener.add(promptTokens, usage.promptTokens());
        MeterListener.add(cachedTokens, usage.cachedTokens());
        MeterListener.add(outputTokens, usage.outputTokens());
        ApiMeters meters = apis.computeIfAbsent(record.api(), api -> new ApiMeters(registry, model, api));
        MeterListener.record(meters.ttft, record.timings().ttft());
        MeterListener.record(meters.e2e, record.timings().e2e());
        meters.outcomes[MeterListener.index(record.outcome())].increment();
    }

    /** The meters of one model and one API. Immutable. */
    private static final class ApiMeters {
        private final Timer ttft;
        private final Timer e2e;
        private final Counter[] outcomes = new Counter[MeterListener.OUTCOMES.size()];

        ApiMeters(MeterRegistry registry, String model, ApiKind api) {
            this.ttft = Meters.TTFT.timer(registry, api.tag(), model);
            this.e2e = Meters.E2E.timer(registry, api.tag(), model);
            for (int i = 0; i < outcomes.length; i++) {
                outcomes[i] = Meters.REQUESTS.counter(registry, api.tag(), model, MeterListener.OUTCOMES.get(i));
            }
        }
    }
}
