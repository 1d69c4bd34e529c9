// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import dev.tandem.bench.Samples;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One subject in one window; times in microseconds. Immutable.
 *
 * @param exchanges Measured exchanges.
 * @param handedOver Those of them whose decode engine had the prompt's KV from elsewhere; 0 for one leg.
 * @param p50 Median of the overhead.
 * @param p90 90th percentile of it.
 * @param p99 99th percentile of it.
 * @param before Median of {@link Overhead#before}.
 * @param between Median of {@link Overhead#between}.
 * @param after Median of {@link Overhead#after}.
 * @param second Median of the overhead of the second token, where the first one is prefill's; NaN elsewhere.
 * @param fault Why all this is void; empty if it is not.
 */
record Measurement(
        int exchanges,
        int handedOver,
        double p50,
        double p90,
        double p99,
        double before,
        double between,
        double after,
        double second,
        String fault) {
    private static final double NANOS = 1e3;

    /** What may remain for decode to compute: what fills no block of KV. */
    private static final int MOST_COMPUTED_TOKENS = 32;

    /** The notes of both engines by the number of the {@link Ask}; {@code prefill} is null for one leg. */
    record Legs(@Nullable Map<Integer, EngineTimes> prefill, Map<Integer, EngineTimes> decode) {}

    /** Puts together what clients and engines have seen. */
    static Measurement of(Subject subject, Clients.Asked asked, Legs legs) {
        return new Reckoning(subject, asked, legs).measurement();
    }

    /** Returns the same, void for another reason if it is not void already. */
    Measurement voided(String why) {
        return why.isEmpty() || !fault.isEmpty()
                ? this
                : new Measurement(exchanges, handedOver, p50, p90, p99, before, between, after, second, why);
    }

    /** Takes the exchanges together. Confined to one thread. */
    private static final class Reckoning {
        private final Subject subject;
        private final Clients.Asked asked;
        private final Legs legs;
        private final Samples all = new Samples();
        private final Samples before = new Samples();
        private final Samples between = new Samples();
        private final Samples after = new Samples();
        private final Samples second = new Samples();
        private int handedOver;
        private String fault;

        Reckoning(Subject subject, Clients.Asked asked, Legs legs) {
            this.subject = subject;
            this.asked = asked;
            this.legs = legs;
            this.fault = asked.fault();
        }

        Measurement measurement() {
            asked.measured().stream()
                    .filter(exchange -> exchange.fault().isEmpty())
                    .forEach(this::add);
            if (subject.handsOver() && handedOver < asked.measured().size()) {
                note(handedOver + " of " + asked.measured().size() + " handed over");
            }
            if (all.size() == 0) {
                note("no answer in the window");
            }
            return new Measurement(
                    asked.measured().size(),
                    handedOver,
                    all.quantile(0.5) / NANOS,
                    all.quantile(0.9) / NANOS,
                    all.quantile(0.99) / NANOS,
                    before.quantile(0.5) / NANOS,
                    between.quantile(0.5) / NANOS,
                    after.quantile(0.5) / NANOS,
                    second.quantile(0.5) / NANOS,
                    fault);
        }

        private void add(Exchange exchange) {
            EngineTimes decode = legs.decode().get(exchange.number());
            Map<Integer, EngineTimes> prefills = legs.prefill();
            if (prefills == null) {
                add(decode == null ? null : Overhead.ofOne(exchange, decode));
                return;
            }
            EngineTimes prefill = prefills.get(exchange.number());
            if (decode == null || prefill == null) {
                note("an engine has not seen ask " + exchange.number());
                return;
            }
            if (decode.cachedTokens() >= Ask.promptTokens() - MOST_COMPUTED_TOKENS) {
                handedOver++;
            }
            if (subject.prefillAnswersFirst()) {
                add(Overhead.ofOne(exchange, prefill));
                second.add(Overhead.ofSecond(exchange, prefill, decode).nanos());
            } else {
                add(Overhead.ofTwo(exchange, prefill, decode));
            }
        }

        private void add(@Nullable Overhead overhead) {
            String why = overhead == null ? "an engine has not seen an ask" : overhead.fault();
            if (overhead == null || why != null) {
                note(String.valueOf(why));
                return;
            }
            all.add(overhead.nanos());
            before.add(overhead.before());
            between.add(overhead.between());
            after.add(overhead.after());
        }

        private void note(String why) {
            if (fault.isEmpty()) {
                fault = why;
            }
        }
    }
}
