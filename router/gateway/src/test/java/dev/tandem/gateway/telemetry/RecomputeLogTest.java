// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.tandem.core.disagg.HandoverProof;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import java.net.URI;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

final class RecomputeLogTest {
    private static final HandoverProof NOTHING = new HandoverProof(900, 0);
    private static final HandoverProof ALL = new HandoverProof(900, 900);
    private static final HandoverProof MOST = new HandoverProof(900, 450);

    private final AtomicLong now = new AtomicLong(-5);
    private final RecomputeLog log = new RecomputeLog(now::get);
    private final Logger logger = (Logger) LoggerFactory.getLogger(RecomputeLog.class);
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
        logger.setAdditive(true);
    }

    @Test
    void aPairIsNamedOnceAndThenWithTheNumberOfThoseSince() {
        for (int i = 0; i < 10; i++) {
            proved("d1", NOTHING);
        }
        now.addAndGet(RecomputeLog.PAUSE.toNanos() - 1);
        proved("d1", NOTHING);
        assertThat(texts())
                .containsExactly("decode worker computes what it was handed over prefill=p1 decode=d1"
                        + " connector=shared-cache found=0 of=900 times=1");
        assertThat(lines.list.getFirst().getLevel()).isEqualTo(Level.WARN);

        now.incrementAndGet();
        proved("d1", NOTHING);
        assertThat(texts()).hasSize(2);
        assertThat(texts().getLast()).endsWith(" times=11");
    }

    @Test
    void everyPairHasALineOfItsOwn() {
        proved("d1", NOTHING);
        proved("d2", NOTHING);

        assertThat(texts()).hasSize(2);
    }

    @Test
    void whatWasFoundIsNoNews() {
        proved("d1", ALL);
        proved("d1", MOST);

        assertThat(texts()).isEmpty();
    }

    private void proved(String decode, HandoverProof proof) {
        log.onProved("shared-cache", worker("p1", Role.PREFILL), worker(decode, Role.DECODE), proof);
    }

    private static Worker worker(String id, Role role) {
        return new Worker(id, URI.create("http://127.0.0.1:1"), role);
    }

    private List<String> texts() {
        return lines.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }
}
