// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.edge;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How many files the process may have open. Immutable.
 *
 * @param limit the limit; {@link Long#MAX_VALUE} when there is none or it is unknown
 */
public record OpenFiles(long limit) {
    private static final Logger LOG = LoggerFactory.getLogger(OpenFiles.class);
    private static final Path LIMITS = Path.of("/proc/self/limits");
    private static final Pattern LINE = Pattern.compile("(?m)^Max open files\\s+(\\d+)\\s");

    /** Files that are no connections: listeners, jars, event loops, probes. */
    private static final int OTHERS = 500;

    private static final int LEAST_CLIENTS = 64;

    /** Reads the limit of this process, as Linux tells it. */
    public static OpenFiles ofThisProcess() {
        try {
            return read(Files.readString(LIMITS));
        } catch (IOException e) {
            LOG.debug("limit of open files unknown", e);
            return new OpenFiles(Long.MAX_VALUE);
        }
    }

    static OpenFiles read(String limits) {
        Matcher line = LINE.matcher(limits);
        return new OpenFiles(line.find() ? Long.parseLong(line.group(1)) : Long.MAX_VALUE);
    }

    /** Returns how many clients may be connected: each has a connection to an engine, too. */
    public int clients(int wanted) {
        long affordable = Math.max(LEAST_CLIENTS, limit / 2 - OTHERS);
        if (affordable < wanted) {
            LOG.warn(
                    "fewer connections of clients than tandem.edge.max-connections says, for the limit of open files wanted={} limit={} open-files={}",
                    wanted,
                    affordable,
                    limit);
        }
        return (int) Math.min(wanted, affordable);
    }
}
