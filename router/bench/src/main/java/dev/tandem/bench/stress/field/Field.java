// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import java.util.List;

/**
 * Where most scenarios take place. Its parts are as thread-safe as they say.
 *
 * @param gateway The one that is pressed.
 * @param engines Its workers, which it calls w0, w1 and so on.
 */
public record Field(Gateway gateway, List<Engine> engines) {
    public Field {
        engines = List.copyOf(engines);
    }

    public int port() {
        return gateway.port();
    }

    public Vitals vitals() {
        return gateway.vitals();
    }

    public Meters meters() {
        return gateway.meters();
    }

    /** Returns when the first engine has seen peers leave. */
    public Departures gone() {
        return engines.getFirst().gone();
    }
}
