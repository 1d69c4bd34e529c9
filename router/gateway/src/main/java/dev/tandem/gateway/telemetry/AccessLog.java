// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.lifecycle.Outcome;
import dev.tandem.core.lifecycle.Outcome.ClientLeft;
import dev.tandem.core.lifecycle.Outcome.Completed;
import dev.tandem.core.lifecycle.Outcome.Failed;
import dev.tandem.core.lifecycle.Outcome.Truncated;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.lifecycle.RequestRecord;
import java.time.Clock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes one line per request: a JSON object whose keys always come in the same order, none ever missing. Thread-safe.
 *
 * <p>What is not known is null. Times are milliseconds with three decimals, {@code bytes} those of the answer's body.
 * The line holds nothing of a prompt or an answer. It goes to the logger {@value #LOGGER} at INFO; a higher level of
 * that logger switches the line off and costs nothing.
 */
public final class AccessLog implements RequestListener {
    /** Name of the logger. */
    public static final String LOGGER = "tandem.access";

    private static final int TYPICAL_LENGTH = 448;

    private final Logger logger;
    private final Clock clock;

    /** Writes to the logger {@value #LOGGER}, with the wall time of {@code clock}. */
    public AccessLog(Clock clock) {
        this.logger = LoggerFactory.getLogger(LOGGER);
        this.clock = clock;
    }

    @Override
    public void onSettled(RequestRecord record) {
        if (logger.isInfoEnabled()) {
            logger.info(line(record));
        }
    }

    /** Returns the line of a request. */
    String line(RequestRecord record) {
        RequestRecord.Route route = record.route();
        RequestRecord.Timings timings = record.timings();
        RequestRecord.Usage usage = record.usage();
        return new JsonLine(TYPICAL_LENGTH)
                .text("time", clock.instant().toString())
                .text("id", record.id())
                .text("model", record.model())
                .text("api", record.api().tag())
                .number("status", record.status())
                .text("outcome", record.outcome().tag())
                .text("code", code(record.outcome()))
                .text("prefill", route.prefill())
                .text("decode", route.decode())
                .text("policy", route.policy())
                .number("attempts", route.attempts())
                .millis("queued_ms", timings.queued())
                .millis("ttft_ms", timings.ttft())
                .millis("e2e_ms", timings.e2e())
                .number("prompt_tokens", usage.promptTokens())
                .number("cached_tokens", usage.cachedTokens())
                .number("output_tokens", usage.outputTokens())
                .number("bytes", usage.responseBytes())
                .end();
    }

    private static @Nullable String code(Outcome outcome) {
        return switch (outcome) {
            case Completed ended -> null;
            case ClientLeft ended -> Failure.CLIENT_LEFT.code();
            case Truncated(Failure failure) -> failure.code();
            case Failed(Failure failure) -> failure.code();
        };
    }
}
