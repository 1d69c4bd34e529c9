// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import dev.tandem.bench.Samples;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** What was measured of one subject. Used by one thread. */
final class Row {
    private final Subject subject;
    private final Map<Setting, List<Measurement>> rounds = new EnumMap<>(Setting.class);

    Row(Subject subject) {
        this.subject = subject;
        for (Setting setting : Setting.values()) {
            rounds.put(setting, new ArrayList<>());
        }
    }

    void measured(Setting setting, Measurement measurement) {
        rounds(setting).add(measurement);
    }

    Subject subject() {
        return subject;
    }

    /** Returns the measurements of all rounds. */
    List<Measurement> rounds(Setting setting) {
        return rounds.getOrDefault(setting, List.of());
    }

    /** Returns the median over the rounds; NaN when there are none, or one of them is void. */
    double median(Setting setting, ToDoubleFunction<Measurement> figure) {
        return fault(setting).isEmpty()
                ? Samples.median(
                        rounds(setting).stream().map(figure::applyAsDouble).toList())
                : Double.NaN;
    }

    /** Returns the exchanges of all rounds. */
    int exchanges(Setting setting) {
        return rounds(setting).stream().mapToInt(Measurement::exchanges).sum();
    }

    /** Returns those of them whose KV came to the decode engine. */
    int handedOver(Setting setting) {
        return rounds(setting).stream().mapToInt(Measurement::handedOver).sum();
    }

    /** Returns why the figures are void; empty if they are not. */
    String fault(Setting setting) {
        return rounds(setting).stream()
                .map(Measurement::fault)
                .filter(fault -> !fault.isEmpty())
                .findFirst()
                .orElse("");
    }
}
