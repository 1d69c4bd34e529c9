// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ExchangeTest {
    private static String fault(int status, String body) {
        return Exchange.of(1, new Connection.Answer(status, 1, 2, 3, body)).fault();
    }

    @Test
    void aWholeStreamHasNoFault() {
        assertThat(fault(200, "data: {\"a\":1}\n\ndata: {\"a\":2}\n\ndata: [DONE]\n\n"))
                .isEmpty();
    }

    @Test
    void everythingElseHasOne() {
        assertThat(fault(502, "{\"error\":{}}")).startsWith("502 ");
        assertThat(fault(200, "data: {\"a\":1}\n\ndata: {\"a\":2}\n\n")).isNotEmpty();
        assertThat(fault(200, "data: {\"a\":1}\n\ndata: [DONE]\n\n")).isNotEmpty();
        assertThat(fault(200, "data: {\"a\":1}\n\ndata: {\"error\":{}}\n\ndata: [DONE]\n\n"))
                .isNotEmpty();
    }
}
