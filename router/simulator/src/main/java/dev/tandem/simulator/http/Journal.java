// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;

/** The latest requests that a simulated engine has received, oldest first, probes included. Thread-safe and bounded. */
public final class Journal {
    private final int capacity;
    private final long capacityBytes;
    private final Deque<SeenRequest> requests = new ArrayDeque<>();
    private long bytes;
    private long received;

    /** Makes an empty journal that keeps so many requests with so many bytes of bodies. */
    public Journal(int capacity, long capacityBytes) {
        this.capacity = capacity;
        this.capacityBytes = capacityBytes;
    }

    /** Returns the requests that are kept. */
    public synchronized List<SeenRequest> requests() {
        return List.copyOf(requests);
    }

    /** Returns the kept requests of one path. */
    public List<SeenRequest> requests(String path) {
        return requests().stream().filter(seen -> seen.path().equals(path)).toList();
    }

    /** Returns the kept requests that a correct router would not have sent, as a strict engine found them. */
    public List<SeenRequest> violations() {
        return requests().stream().filter(seen -> seen.violation().isPresent()).toList();
    }

    /** Returns how many requests have come since the start, forgotten ones included. */
    public synchronized long received() {
        return received;
    }

    /** Forgets all requests; numbers go on. */
    public synchronized void clear() {
        requests.clear();
        bytes = 0;
    }

    synchronized SeenRequest add(String method, String path, List<Map.Entry<String, String>> headers, byte[] body) {
        SeenRequest seen = new SeenRequest(++received, method, path, headers, body);
        requests.add(seen);
        bytes += body.length;
        while (requests.size() > capacity || (bytes > capacityBytes && requests.size() > 1)) {
            bytes -= requests.remove().size();
        }
        return seen;
    }
}
