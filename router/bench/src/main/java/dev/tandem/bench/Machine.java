// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The machine that a run takes place on: its facts, and binding processes to its cores. No state. */
final class Machine {
    private Machine() {}

    /** Returns what a reader needs to judge the figures, in the order of printing. */
    static Map<String, String> facts() throws IOException {
        Map<String, String> facts = new LinkedHashMap<>();
        String cpu = Files.readString(Path.of("/proc/cpuinfo"));
        facts.put("cpu", line(cpu, "model name"));
        facts.put("cores", Integer.toString(Runtime.getRuntime().availableProcessors()));
        long kib = Procfs.field(Files.readString(Path.of("/proc/meminfo")), "MemTotal");
        facts.put("memory", kib / 1024 + " MiB");
        facts.put("load average before", loadAverage());
        facts.put("kernel", System.getProperty("os.version", ""));
        facts.put("system", line(Files.readString(Path.of("/etc/os-release")).replace('=', ':'), "PRETTY_NAME"));
        facts.put("java", System.getProperty("java.vm.name", "") + " " + System.getProperty("java.vm.version", ""));
        return facts;
    }

    /** Returns the three load averages as the kernel prints them. */
    static String loadAverage() throws IOException {
        String[] words = Files.readString(Path.of("/proc/loadavg")).split(" ", -1);
        return words[0] + " " + words[1] + " " + words[2];
    }

    /** Returns the words to put before a command so that it runs on the given cores only; none for an empty list. */
    static List<String> pinned(String cpus) {
        return cpus.isEmpty() ? List.of() : List.of("taskset", "-c", cpus);
    }

    /** Binds every thread of this process to cores; threads and processes started later inherit that. */
    static void pinSelf(String cpus) throws IOException, InterruptedException {
        if (cpus.isEmpty()) {
            return;
        }
        String pid = Long.toString(ProcessHandle.current().pid());
        Process taskset = new ProcessBuilder("taskset", "-a", "-c", "-p", cpus, pid)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        if (taskset.waitFor() != 0) {
            throw new IOException("taskset: could not bind this process to cores " + cpus);
        }
    }

    private static String line(String text, String name) {
        return text.lines()
                .filter(line -> line.startsWith(name))
                .map(line ->
                        line.substring(line.indexOf(':') + 1).replace("\"", "").trim())
                .findFirst()
                .orElse("unknown");
    }
}
