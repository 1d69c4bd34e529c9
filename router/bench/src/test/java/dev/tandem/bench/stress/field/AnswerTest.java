// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class AnswerTest {
    @Test
    void tellsWhatTheGatewayTells() {
        Answer answer = new Answer(
                200, Map.of("x-tandem-decode", "w1", "x-tandem-attempts", "2", "connection", "Close"), "abc");

        assertThat(answer.worker()).isEqualTo("w1");
        assertThat(answer.attempts()).isEqualTo(2);
        assertThat(answer.closes()).isTrue();
    }

    @Test
    void anotherAnswerTellsNothing() {
        Answer answer = new Answer(408, Map.of(), "x".repeat(900));

        assertThat(answer.worker()).isEmpty();
        assertThat(answer.attempts()).isZero();
        assertThat(answer.closes()).isFalse();
        assertThat(answer.toString()).hasSizeLessThan(300);
    }
}
