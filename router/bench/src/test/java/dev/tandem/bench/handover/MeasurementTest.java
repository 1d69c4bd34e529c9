// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MeasurementTest {
    private static final int ALL = Ask.promptTokens();

    private static Subject subject(String pool) {
        return Subject.of(Pool.all(), false).stream()
                .filter(each ->
                        each.way() == Subject.Way.TANDEM && each.pool().name().equals(pool))
                .findFirst()
                .orElseThrow();
    }

    private static Exchange exchange(int number, long firstNanos) {
        return new Exchange(number, 0, firstNanos, firstNanos + 50_000, "");
    }

    private static Clients.Asked asked(Exchange... exchanges) {
        return new Clients.Asked(List.of(exchanges), List.of());
    }

    private static EngineTimes prefill() {
        return new EngineTimes(10_000, 10_000, 20_000, 0);
    }

    private static EngineTimes decode(int cached) {
        return new EngineTimes(30_000, 40_000, 60_000, cached);
    }

    @Test
    void takesTheExchangesTogether() {
        Clients.Asked asked = asked(exchange(1, 100_000), exchange(2, 110_000), exchange(3, 900_000));
        Measurement.Legs legs = new Measurement.Legs(
                Map.of(1, prefill(), 2, prefill(), 3, prefill()),
                Map.of(1, decode(ALL), 2, decode(ALL), 3, decode(ALL)));
        Measurement measurement = Measurement.of(subject("nixl"), asked, legs);
        assertThat(measurement.fault()).isEmpty();
        assertThat(measurement.exchanges()).isEqualTo(3);
        assertThat(measurement.handedOver()).isEqualTo(3);
        assertThat(measurement.p50()).isEqualTo(80);
        assertThat(measurement.p99()).isEqualTo(870);
        assertThat(measurement.before()).isEqualTo(10);
        assertThat(measurement.between()).isEqualTo(20);
        assertThat(measurement.after()).isEqualTo(50);
        assertThat(measurement.second()).isNaN();
    }

    @Test
    void aPromptThatDecodeComputedVoidsTheRow() {
        Clients.Asked asked = asked(exchange(1, 100_000), exchange(2, 100_000));
        Measurement.Legs legs =
                new Measurement.Legs(Map.of(1, prefill(), 2, prefill()), Map.of(1, decode(ALL), 2, decode(16)));
        assertThat(Measurement.of(subject("nixl"), asked, legs).fault()).isEqualTo("1 of 2 handed over");
    }

    @Test
    void aLegThatNoEngineHasSeenVoidsTheRow() {
        Measurement.Legs legs = new Measurement.Legs(Map.of(), Map.of(1, decode(ALL)));
        assertThat(Measurement.of(subject("nixl"), asked(exchange(1, 100_000)), legs)
                        .fault())
                .contains("has not seen ask 1");
    }

    @Test
    void aFaultBeforeTheWindowCountsToo() {
        Exchange failed = Exchange.failed(7, new java.io.IOException("reset"));
        Clients.Asked asked = new Clients.Asked(List.of(exchange(1, 100_000)), List.of(failed));
        Measurement.Legs legs = new Measurement.Legs(null, Map.of(1, decode(0)));
        assertThat(Measurement.of(subject("unified"), asked, legs).fault()).contains("reset");
    }

    @Test
    void nothingIsNoResult() {
        Measurement.Legs legs = new Measurement.Legs(null, Map.of());
        assertThat(Measurement.of(subject("unified"), asked(), legs).fault()).isEqualTo("no answer in the window");
    }

    @Test
    void wherePrefillAnswersFirstDecodeIsSeenAtTheSecondToken() {
        Measurement.Legs legs = new Measurement.Legs(Map.of(1, prefill()), Map.of(1, decode(ALL)));
        Measurement measurement = Measurement.of(subject(Pool.FIRST_TOKEN), asked(exchange(1, 25_000)), legs);
        assertThat(measurement.p50()).isEqualTo(15);
        assertThat(measurement.second()).isEqualTo(10 + 20 + 15);
    }
}
