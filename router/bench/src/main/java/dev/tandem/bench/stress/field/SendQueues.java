// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a server's side of some connections still has to send, as the kernel tells it: a connection whose queue does not
 * change moves nothing. Used by one thread.
 *
 * <p>Read from {@code /proc/net/tcp} and {@code tcp6} (proc_pid_net(5)): local and remote address end in a hexadecimal
 * port, state 01 is an established connection, and the number before the colon is the bytes that are queued.
 */
public final class SendQueues {
    private static final List<Path> TABLES = List.of(Path.of("/proc/net/tcp"), Path.of("/proc/net/tcp6"));
    private static final String ESTABLISHED = "01";

    private final int server;
    private final Map<Integer, Queue> open = new HashMap<>();
    private long longestNanos;

    /** A queue and when it last changed. */
    private record Queue(long bytes, long since) {}

    /**
     * Begins to watch.
     *
     * @param server Port of the server.
     * @param clients Ports of its clients.
     */
    public SendQueues(int server, Collection<Integer> clients) {
        this.server = server;
        long now = System.nanoTime();
        clients.forEach(client -> open.put(client, new Queue(-1, now)));
    }

    /** Looks at all of them. */
    public void look() throws IOException {
        long now = System.nanoTime();
        Set<Integer> there = new HashSet<>();
        for (Path table : TABLES) {
            if (Files.exists(table)) {
                Files.readAllLines(table).forEach(line -> note(line, now, there));
            }
        }
        open.entrySet().removeIf(entry -> !there.contains(entry.getKey()) && left(entry.getValue(), now));
    }

    /** Notes what a line of a table says. */
    void note(String line, long now, Set<Integer> there) {
        String[] fields = line.trim().split(" +", 6);
        if (fields.length < 6 || !fields[3].equals(ESTABLISHED) || port(fields[1]) != server) {
            return;
        }
        int client = port(fields[2]);
        long bytes = Long.parseLong(fields[4].substring(0, fields[4].indexOf(':')), 16);
        there.add(client);
        open.computeIfPresent(client, (port, queue) -> queue.bytes() == bytes ? queue : new Queue(bytes, now));
    }

    private boolean left(Queue queue, long now) {
        longestNanos = Math.max(longestNanos, now - queue.since());
        return true;
    }

    private static int port(String address) {
        return Integer.parseInt(address.substring(address.lastIndexOf(':') + 1), 16);
    }

    /** Returns how many are still established. */
    public int open() {
        return open.size();
    }

    /** Returns how many of these have not changed for so long. */
    public int idle(Duration time) {
        long since = System.nanoTime() - time.toNanos();
        return (int)
                open.values().stream().filter(queue -> queue.since() < since).count();
    }

    /** Returns for how long the queue of one that has ended had not changed, at most; in seconds. */
    public double longestSeconds() {
        return longestNanos / 1e9;
    }
}
