// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import java.io.IOException;

/** Gets completions, one after the other. Used by one thread. */
interface Asker extends AutoCloseable {
    /** Asks and returns the whole answer, with the time at which the first leg was about to be sent. */
    Connection.Answer ask(Ask ask) throws IOException;

    @Override
    void close();

    /** Makes one that asks whoever listens at a port. */
    static Asker at(int port) {
        Connection connection = new Connection(port);
        return new Asker() {
            @Override
            public Connection.Answer ask(Ask ask) throws IOException {
                return connection.ask(ask.request());
            }

            @Override
            public void close() {
                connection.close();
            }
        };
    }
}
