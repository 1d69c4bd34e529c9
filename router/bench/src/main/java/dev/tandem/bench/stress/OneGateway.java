// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import dev.tandem.bench.stress.field.Engine;
import dev.tandem.bench.stress.field.Field;
import dev.tandem.bench.stress.field.Ground;
import dev.tandem.bench.stress.field.Vitals;
import java.io.IOException;
import java.util.List;

/** A scenario with one gateway in front of engines that answer as clients wish. Stateless. */
interface OneGateway extends Scenario {
    /** Returns arguments of the gateway besides the usual ones. */
    default List<String> settings() {
        return List.of();
    }

    /** Starts the engines. */
    default List<Engine> engines(Ground ground) throws IOException {
        return List.of(ground.engine(16, 1));
    }

    /** Runs it, in front of a gateway and engines that have just started. */
    Outcome run(Field field) throws IOException, InterruptedException;

    /** Draws what the gateway holds, unless the scenario has something else to show. */
    @Override
    default Outcome run(Ground ground) throws IOException, InterruptedException {
        Field field = ground.field(engines(ground), settings());
        Outcome outcome = run(field);
        if (outcome.curves().isEmpty()) {
            List<Vitals.Sample> samples = field.vitals().samples();
            outcome.draw(Curve.of(
                    "resident memory, MiB", samples, Vitals.Sample::seconds, sample -> sample.residentKib() / 1024.0));
            outcome.draw(Curve.of("open descriptors", samples, Vitals.Sample::seconds, Vitals.Sample::descriptors));
        }
        return outcome;
    }
}
