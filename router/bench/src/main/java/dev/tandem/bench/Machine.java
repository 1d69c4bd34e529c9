// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/** The machine that a run takes place on: its facts, its cores, processes and folders on it. No state. */
public final class Machine {
    private Machine() {}

    /** Returns what a reader needs to judge the figures, in the order of printing. */
    public static Map<String, String> facts() throws IOException {
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
    public static String loadAverage() throws IOException {
        String[] words = Files.readString(Path.of("/proc/loadavg")).split(" ", -1);
        return words[0] + " " + words[1] + " " + words[2];
    }

    /** Returns the words to put before a command so that it runs on the given cores only; none for an empty list. */
    static List<String> pinned(String cpus) {
        return cpus.isEmpty() ? List.of() : List.of("taskset", "-c", cpus);
    }

    /** Binds every thread of this process to cores; threads and processes started later inherit that. */
    public static void pinSelf(String cpus) throws IOException, InterruptedException {
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

    /**
     * Starts a class of this program as a process of its own, from the class path of this one. It ends when its
     * standard input does.
     */
    public static Process start(Class<?> main, List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-Xmx768m",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                main.getName()));
        command.addAll(arguments);
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
        return process;
    }

    /** Makes a folder, below {@code parent}, that is deleted with all that is in it when this process ends. */
    public static Path scratch(Path parent) throws IOException {
        Path directory = Files.createTempDirectory(parent, "tandem-bench");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(directory)));
        return directory;
    }

    /** Runs when the process ends, while proxies that are being stopped may still write: what is left is only a log. */
    private static void delete(Path directory) {
        try (Stream<Path> found = Files.walk(directory)) {
            found.sorted(Comparator.reverseOrder()).map(Path::toFile).forEach(File::delete);
        } catch (IOException | UncheckedIOException e) {
            System.err.println("left behind: " + directory);
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

    /** Options that say which cores are whose. Written by picocli, then read only. */
    public static final class Cores {
        /** Of the machine: this process sees fewer of them once it is bound. */
        private static final int COUNT = Runtime.getRuntime().availableProcessors();

        @Option(
                names = "--proxy-cpus",
                paramLabel = "LIST",
                description = "Cores of each proxy, or none. auto: core 0.")
        private String proxyCpus = "auto";

        @Option(
                names = "--load-cpus",
                paramLabel = "LIST",
                description = "Cores of workers and load generator, or none. auto: all but core 0.")
        private String loadCpus = "auto";

        /** Returns the cores of a proxy under test, empty for any. */
        public String proxy() {
            return cores(proxyCpus, count -> "0");
        }

        /** Returns the cores of everything else, empty for any. */
        public String load() {
            return cores(loadCpus, count -> count == 2 ? "1" : "1-" + (count - 1));
        }

        /** Says where processes of both kinds run. */
        public String placement() {
            return "proxy on " + named(proxy()) + ", workers and load on " + named(load());
        }

        /** Returns the core list to use, empty for no pinning; {@code auto} pins where there are two cores or more. */
        private static String cores(String given, IntFunction<String> automatic) {
            return switch (given) {
                case "none" -> "";
                case "auto" -> COUNT > 1 && Proxies.installed("taskset") ? automatic.apply(COUNT) : "";
                default -> given;
            };
        }

        private static String named(String cores) {
            return cores.isEmpty() ? "any core" : "core " + cores;
        }
    }
}
