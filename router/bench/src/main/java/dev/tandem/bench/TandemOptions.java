// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options that say how Tandem itself is started. Written by picocli, then read only. */
public final class TandemOptions {
    @Option(
            names = "--tandem-jar",
            paramLabel = "FILE",
            description = "Executable jar of the gateway. Default: router/gateway/target/*-exec.jar")
    private @Nullable Path jar;

    @Option(
            names = "--tandem-command",
            paramLabel = "TEMPLATE",
            description = "Command line, split at blanks. Default: ${DEFAULT-VALUE}")
    private String command =
            "{java} -XX:+UseSerialGC -Xms64m -Xmx512m -XX:MaxDirectMemorySize=512m -XX:+UseCompactObjectHeaders"
                    + " -Dreactor.netty.send.maxPrefetchSize=8 -jar {jar} --server.address=127.0.0.1 --server.port={port}"
                    + " --tandem.management.port={management-port}"
                    + " --tandem.management.address=127.0.0.1 {workers} {options}";

    @Option(
            names = "--tandem-worker",
            paramLabel = "TEMPLATE",
            description = "Arguments for one worker, put where the command says {workers}. Default: ${DEFAULT-VALUE}")
    private String worker = "--tandem.workers[{index}].id=w{number} --tandem.workers[{index}].url={url}"
            + " --tandem.workers[{index}].role={role}";

    @Option(
            names = "--tandem-pd-options",
            paramLabel = "TEMPLATE",
            description = "Further arguments of the P/D run, put where the command says {options}."
                    + " Default: ${DEFAULT-VALUE}")
    private String disaggregatedOptions = "--tandem.disagg.connector=shared-cache";

    @Option(
            names = "--tandem-options",
            paramLabel = "FILE",
            description = "Further arguments, one a line; a line NAME=value sets an environment variable;"
                    + " # starts a comment.")
    private @Nullable Path optionsFile;

    /** Returns Tandem with workers that do both phases. */
    ProxyProcess.Spec unified(Proxies proxies) throws IOException {
        return spec("Tandem", workers(proxies.urls(), false), List.of(), Proxies.freePort())
                .measuredIn(Cell.singleLeg());
    }

    /** Returns the same with streams that survive their workers; what differs is measured. */
    ProxyProcess.Spec resuming(Proxies proxies) throws IOException {
        List<String> resume = List.of("--tandem.stream.resume=true");
        return spec("Tandem with resume", workers(proxies.urls(), false), resume, Proxies.freePort())
                .measuredIn(EnumSet.of(Cell.EVENT_UNPACED, Cell.EVENT_PACED));
    }

    /** Returns Tandem with the first half of the workers for prefill and the other half for decode. */
    ProxyProcess.Spec disaggregated(Proxies proxies) throws IOException {
        List<String> workers = workers(proxies.urls(), true);
        return spec("Tandem P/D", workers, words(disaggregatedOptions), Proxies.freePort())
                .measuredIn(Cell.exchanges());
    }

    /** Returns Tandem with all its workers in the arguments given here. */
    public ProxyProcess.Spec with(List<String> arguments, int managementPort) throws IOException {
        return spec("Tandem", List.of(), arguments, managementPort);
    }

    private ProxyProcess.Spec spec(String name, List<String> workers, List<String> arguments, int managementPort)
            throws IOException {
        List<String> options = new ArrayList<>(arguments);
        Map<String, String> environment = new HashMap<>();
        Path file = optionsFile;
        for (String line : file == null ? List.<String>of() : Files.readAllLines(file)) {
            int equals = line.indexOf('=');
            if (line.startsWith("-")) {
                options.add(line.trim());
            } else if (equals > 0 && !line.startsWith("#")) {
                environment.put(
                        line.substring(0, equals).trim(),
                        line.substring(equals + 1).trim());
            }
        }
        int port = Proxies.freePort();
        Path executable = jar();
        String line = command.replace(
                        "{java}",
                        Path.of(System.getProperty("java.home"), "bin", "java").toString())
                .replace("{jar}", executable.toString())
                .replace("{port}", Integer.toString(port))
                .replace("{management-port}", Integer.toString(managementPort))
                .replace("{workers}", String.join(" ", workers))
                .replace("{options}", String.join(" ", options));
        String version = executable.getFileName().toString().replaceAll("^tandem-gateway-|-exec\\.jar$", "");
        return new ProxyProcess.Spec(name, version, port, words(line), Map.of(), environment, Set.of());
    }

    private List<String> workers(List<String> urls, boolean disaggregated) {
        List<String> workers = new ArrayList<>();
        for (int i = 0; i < urls.size(); i++) {
            String role = !disaggregated ? "unified" : i < urls.size() / 2 ? "prefill" : "decode";
            workers.addAll(words(worker.replace("{index}", Integer.toString(i))
                    .replace("{number}", Integer.toString(i + 1))
                    .replace("{url}", urls.get(i))
                    .replace("{role}", role)));
        }
        return workers;
    }

    private Path jar() throws IOException {
        Path given = jar;
        if (given != null) {
            return given.toAbsolutePath();
        }
        Path target = Path.of("router", "gateway", "target");
        if (Files.isDirectory(target)) {
            try (Stream<Path> files = Files.list(target)) {
                return files.filter(file -> file.toString().endsWith("-exec.jar"))
                        .findFirst()
                        .orElseThrow(() -> new IOException("no *-exec.jar in " + target))
                        .toAbsolutePath();
            }
        }
        throw new IOException("no gateway jar in " + target + ": build it or name it with --tandem-jar");
    }

    private static List<String> words(String text) {
        return Stream.of(text.trim().split("\\s+", -1))
                .filter(word -> !word.isEmpty())
                .toList();
    }
}
