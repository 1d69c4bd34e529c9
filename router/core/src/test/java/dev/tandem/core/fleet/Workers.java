// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import java.net.URI;
import java.util.List;
import java.util.stream.IntStream;

/** Workers for tests. */
public final class Workers {
    private Workers() {}

    /** Returns a worker with an address of its own. */
    public static Worker worker(String id, Role role) {
        return new Worker(id, URI.create("http://" + id + ":8000"), role);
    }

    /** Returns {@code count} workers w00, w01 ... of one role. */
    public static List<Worker> workers(int count, Role role) {
        return IntStream.range(0, count)
                .mapToObj(i -> worker("w%02d".formatted(i), role))
                .toList();
    }
}
