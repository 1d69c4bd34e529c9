// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.admission;

/** Right to run, given by admission; closing it lets the next request in. Thread-safe; closing is idempotent. */
@FunctionalInterface
public interface Ticket extends AutoCloseable {
    @Override
    void close();
}
