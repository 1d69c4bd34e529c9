// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.lifecycle.Outcome;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class AccessLogTest {
    private static final Clock CLOCK = Clock.fixed(Instant.parse("2026-11-21T12:00:00.125Z"), ZoneOffset.UTC);

    private final AccessLog log = new AccessLog(CLOCK);
    private final Logger logger = (Logger) LoggerFactory.getLogger(AccessLog.LOGGER);
    private final ListAppender<ILoggingEvent> lines = new ListAppender<>();

    @BeforeEach
    void capture() {
        lines.start();
        logger.addAppender(lines);
        logger.setAdditive(false);
    }

    @AfterEach
    void release() {
        logger.detachAppender(lines);
        logger.setLevel(null);
        logger.setAdditive(true);
    }

    @Test
    void writesOneLineOfFixedOrder() {
        log.onSettled(Records.ended(new Outcome.Completed()));

        assertThat(lines.list).hasSize(1);
        assertThat(lines.list.getFirst().getLevel()).isEqualTo(Level.INFO);
        assertThat(lines.list.getFirst().getFormattedMessage())
                .isEqualTo(
                        "{\"time\":\"2026-11-21T12:00:00.125Z\",\"id\":\"req-1\",\"model\":\"tiny\",\"api\":\"chat\","
                                + "\"status\":200,\"outcome\":\"completed\",\"code\":null,\"prefill\":\"prefill-0\","
                                + "\"decode\":\"decode-1\",\"policy\":\"prefix-hash\",\"attempts\":1,\"queued_ms\":1.500,"
                                + "\"ttft_ms\":95.250,\"e2e_ms\":2000.000,\"prompt_tokens\":1000,\"cached_tokens\":768,"
                                + "\"output_tokens\":42,\"bytes\":9000}");
    }

    @Test
    void keepsEveryKeyOfARefusedRequest() {
        assertThat(log.line(Records.refused(new Outcome.Failed(Failure.INVALID_JSON))))
                .isEqualTo("{\"time\":\"2026-11-21T12:00:00.125Z\",\"id\":\"req-1\",\"model\":null,\"api\":\"chat\","
                        + "\"status\":200,\"outcome\":\"failed\",\"code\":\"invalid_json\",\"prefill\":null,"
                        + "\"decode\":null,\"policy\":null,\"attempts\":0,\"queued_ms\":null,"
                        + "\"ttft_ms\":null,\"e2e_ms\":null,\"prompt_tokens\":null,\"cached_tokens\":null,"
                        + "\"output_tokens\":null,\"bytes\":120}");
    }

    @Test
    void namesTheFailureOfEveryOutcome() {
        assertThat(code(new Outcome.ClientLeft())).isEqualTo("client_left");
        assertThat(code(new Outcome.Truncated(Failure.STREAM_INTERRUPTED))).isEqualTo("stream_interrupted");
        assertThat(code(new Outcome.Failed(Failure.NO_WORKER))).isEqualTo("no_worker");
    }

    @Test
    void aModelNameCannotForgeALine() {
        String hostile = "a\"b\\c\r\n{\"id\":1}\t\u0000\u007f\u0085\u2028 {} %s \u00e9\u4e16\ud83d\ude00\ud800";
        String line = log.line(Records.model(hostile));

        assertThat(line).doesNotContain("\r", "\n", "\u0000", "\u007f", "\u0085", "\u2028");
        JsonNode parsed = JsonMapper.shared().readTree(line);
        assertThat(parsed.get("model").asString()).isEqualTo(hostile);
        assertThat(parsed.size()).isEqualTo(18);
    }

    @Test
    void aHigherLevelSwitchesItOff() {
        logger.setLevel(Level.WARN);
        log.onSettled(Records.ended(new Outcome.Completed()));

        assertThat(lines.list).isEmpty();
    }

    private String code(Outcome outcome) {
        return JsonMapper.shared()
                .readTree(log.line(Records.ended(outcome)))
                .get("code")
                .asString();
    }
}
