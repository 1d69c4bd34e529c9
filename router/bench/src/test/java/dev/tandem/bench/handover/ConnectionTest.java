// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.SimulatedEngine;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A client, and what its engine notes of it. */
class ConnectionTest {
    @Test
    void seesAStreamThatTheJournalKnows() throws IOException {
        EngineOptions options = EngineOptions.of("m", 0).withStrict(false);
        try (SimulatedEngine engine = SimulatedEngine.start(options);
                Asker asker = Asker.at(engine.port())) {
            Journals journals = new Journals();
            Site site = new Site("m", Side.UNIFIED, engine.port(), 0);
            assertThat(Exchange.of(1, asker.ask(new Ask(1, "m"))).fault()).isEmpty();
            journals.clear(site);
            Exchange exchange = Exchange.of(2, asker.ask(new Ask(2, "m")));
            assertThat(exchange.fault()).isEmpty();
            assertThat(exchange.secondNanos()).isGreaterThanOrEqualTo(exchange.firstNanos());
            Map<Integer, EngineTimes> legs = journals.legs(site);
            assertThat(legs).containsOnlyKeys(2);
            Overhead overhead = Overhead.ofOne(exchange, java.util.Objects.requireNonNull(legs.get(2)));
            assertThat(overhead.fault()).isNull();
        }
    }

    @Test
    void aLegThatComesTwiceIsNoMeasurement() throws IOException {
        try (SimulatedEngine engine = SimulatedEngine.start(EngineOptions.of("m", 0));
                Asker asker = Asker.at(engine.port())) {
            asker.ask(new Ask(3, "m"));
            asker.ask(new Ask(3, "m"));
            assertThatThrownBy(() -> new Journals().legs(new Site("m", Side.UNIFIED, engine.port(), 0)))
                    .hasMessageContaining("twice for ask 3");
        }
    }

    @Test
    void sitesSurviveTheirLine() {
        for (Site site : List.of(new Site("nixl", Side.PREFILL, 1, 2), new Site("x", Side.UNIFIED, 3, 0))) {
            assertThat(Site.parse(site.line())).isEqualTo(site);
        }
    }
}
