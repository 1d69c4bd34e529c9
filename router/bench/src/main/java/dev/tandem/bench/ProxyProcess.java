// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** A running proxy. Used by one thread. */
public final class ProxyProcess implements AutoCloseable {
    /**
     * One proxy under test: how it is started. Immutable.
     *
     * @param name Name in the tables.
     * @param version Version in the tables.
     * @param port Port it listens on.
     * @param command Command line; {@code {dir}} stands for the directory that holds the files.
     * @param files Configuration files by name; {@code {dir}} as above.
     * @param environment Variables set beside the inherited ones.
     * @param cells What is measured for it.
     */
    public record Spec(
            String name,
            String version,
            int port,
            List<String> command,
            Map<String, String> files,
            Map<String, String> environment,
            Set<Cell> cells) {
        public Spec {
            command = List.copyOf(command);
            files = Map.copyOf(files);
            environment = Map.copyOf(environment);
            cells = Set.copyOf(cells);
        }

        /** A proxy without files or variables of its own, measured in every cell of a single leg. */
        static Spec of(String name, String version, int port, List<String> command) {
            return new Spec(name, version, port, command, Map.of(), Map.of(), Cell.singleLeg());
        }

        /** Returns the same with a configuration file. */
        Spec with(String file, String content) {
            return new Spec(name, version, port, command, Map.of(file, content), environment, cells);
        }

        /** Returns the same with other cells. */
        Spec measuredIn(Set<Cell> others) {
            return new Spec(name, version, port, command, files, environment, others);
        }
    }

    private static final Duration START_LIMIT = Duration.ofMinutes(2);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(10);
    private static final Shape PROBE = new Shape(1_024, 0, 0);

    private final Spec spec;
    private final Process process;
    private final double startSeconds;

    private ProxyProcess(Spec spec, Process process, double startSeconds) {
        this.spec = spec;
        this.process = process;
        this.startSeconds = startSeconds;
    }

    /**
     * Starts a proxy and waits for its first complete answer to a completion request.
     *
     * @param dir Existing directory for its files and its log.
     * @param cpus CPU list in the form of {@code taskset -c}; empty for no pinning.
     */
    static ProxyProcess start(Spec spec, Path dir, String cpus) throws IOException {
        byte[] probe = Traffic.request(Traffic.requestBody(PROBE, 0));
        String expected = new String(Traffic.answer(0), StandardCharsets.US_ASCII);
        return start(spec, dir, cpus, () -> answers(spec.port(), probe, expected));
    }

    /** Starts a proxy and waits until it is ready; parameters as above. */
    public static ProxyProcess start(Spec spec, Path dir, String cpus, BooleanSupplier ready) throws IOException {
        for (Map.Entry<String, String> file : spec.files().entrySet()) {
            Files.writeString(dir.resolve(file.getKey()), file.getValue().replace("{dir}", dir.toString()));
        }
        List<String> command = new ArrayList<>(Machine.pinned(cpus));
        spec.command().forEach(part -> command.add(part.replace("{dir}", dir.toString())));
        Path log = dir.resolve("output.log");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(dir.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().putAll(spec.environment());
        long began = System.nanoTime();
        Process process = builder.start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
        while (!ready.getAsBoolean()) {
            if (!process.isAlive() || System.nanoTime() - began > START_LIMIT.toNanos()) {
                kill(process);
                throw new IOException(spec.name() + " is not ready: " + lastLines(log));
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
        }
        return new ProxyProcess(spec, process, (System.nanoTime() - began) / 1e9);
    }

    public Spec spec() {
        return spec;
    }

    /** Time from the start of the process to its first complete answer, in seconds. */
    double startSeconds() {
        return startSeconds;
    }

    /** Returns the id of the process. */
    public long pid() {
        return process.pid();
    }

    boolean alive() {
        return process.isAlive();
    }

    /** Tells it to end and returns at once. */
    public void terminate() {
        process.destroy();
    }

    /** Whether it has ended within that time. */
    public boolean ended(Duration patience) throws InterruptedException {
        return process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public void close() {
        kill(process);
    }

    private static boolean answers(int port, byte[] request, String expected) {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(5_000);
            socket.getOutputStream().write(request);
            StringBuilder answer = new StringBuilder();
            byte[] part = new byte[8_192];
            int count;
            while (answer.indexOf(expected) < 0
                    && (count = socket.getInputStream().read(part)) > 0) {
                answer.append(new String(part, 0, count, StandardCharsets.ISO_8859_1));
                if (answer.length() > 12 && !answer.substring(8, 12).equals(" 200")) {
                    return false;
                }
            }
            return answer.indexOf(expected) >= 0;
        } catch (IOException e) {
            return false;
        }
    }

    private static void kill(Process process) {
        List<ProcessHandle> descendants = process.descendants().toList();
        process.destroy();
        try {
            if (!process.waitFor(STOP_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
        descendants.forEach(ProcessHandle::destroyForcibly);
    }

    private static String lastLines(Path log) throws IOException {
        List<String> lines =
                Files.readString(log, StandardCharsets.ISO_8859_1).lines().toList();
        return String.join(" | ", lines.subList(Math.max(0, lines.size() - 6), lines.size()));
    }
}
