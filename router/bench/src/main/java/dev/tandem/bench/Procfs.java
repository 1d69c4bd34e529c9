// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/** Reads what Linux accounts for a process and its descendants. No state. */
public final class Procfs {
    /** Microseconds per clock tick of {@code /proc/PID/stat}; USER_HZ is 100 on every Linux that Java runs on. */
    static final long MICROS_PER_TICK = 10_000;

    private static final Path PROC = Path.of("/proc");

    private Procfs() {}

    /**
     * User and system time of the process, its threads, its descendants and those that it has waited for, in
     * microseconds.
     */
    static long cpuMicros(long pid) {
        return tree(pid).map(each -> statTicks(read(each, "stat"))).sum() * MICROS_PER_TICK;
    }

    /** Resident memory in KiB, summed over the process and its descendants; shared pages count once per process. */
    public static long residentKib(long pid) {
        return tree(pid).map(each -> field(read(each, "status"), "VmRSS")).sum();
    }

    /** Proportional set size in KiB, summed likewise; shared pages count once. 0 where it may not be read. */
    static long proportionalKib(long pid) {
        return tree(pid).map(each -> field(read(each, "smaps_rollup"), "Pss")).sum();
    }

    /** Open file descriptors of the process itself; 0 once it has ended. */
    public static long descriptors(long pid) {
        try (Stream<Path> open = Files.list(PROC.resolve(Long.toString(pid)).resolve("fd"))) {
            return open.count();
        } catch (IOException ended) {
            return 0;
        }
    }

    /** Threads of the process itself; 0 once it has ended. */
    public static long threads(long pid) {
        return field(read(pid, "status"), "Threads");
    }

    /** Returns user + system ticks of a {@code stat} line, waited-for children included; 0 for an empty text. */
    static long statTicks(String stat) {
        int name = stat.lastIndexOf(')');
        if (name < 0) {
            return 0;
        }
        // behind the name: state is field 3, utime 14, stime 15, cutime 16, cstime 17 (proc_pid_stat(5))
        String[] fields = stat.substring(name + 1).trim().split(" ", -1);
        return LongStream.of(11, 12, 13, 14)
                .map(index -> Long.parseLong(fields[(int) index]))
                .sum();
    }

    /** Returns the number behind {@code name:} in a file of such lines, 0 when there is none. */
    static long field(String text, String name) {
        return text.lines()
                .filter(line -> line.startsWith(name + ":"))
                .mapToLong(line -> Long.parseLong(line.substring(name.length() + 1)
                        .toLowerCase(Locale.ROOT)
                        .replace("kb", "")
                        .trim()))
                .findFirst()
                .orElse(0);
    }

    private static LongStream tree(long pid) {
        Stream<ProcessHandle> handles =
                ProcessHandle.of(pid).stream().flatMap(root -> Stream.concat(Stream.of(root), root.descendants()));
        return handles.mapToLong(ProcessHandle::pid);
    }

    private static String read(long pid, String file) {
        try {
            return Files.readString(PROC.resolve(Long.toString(pid)).resolve(file));
        } catch (NoSuchFileException e) {
            return "";
        } catch (IOException e) {
            if (file.equals("smaps_rollup") || !ProcessHandle.of(pid).isPresent()) {
                return "";
            }
            throw new UncheckedIOException(e);
        }
    }
}
