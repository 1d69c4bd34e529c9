// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it.real;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Runs the scripts of {@code scripts/e2e}. Stateless. */
final class Scripts {
    private Scripts() {}

    /** Runs a script, its lines among the test's own as they come; fails when its exit status is not 0. */
    static void run(String script, String... arguments) throws IOException, InterruptedException {
        Process process = command(script, arguments).redirectErrorStream(true).start();
        process.inputReader(StandardCharsets.UTF_8).lines().forEach(System.out::println);
        int status = process.waitFor();
        assertThat(status)
                .as("exit status of %s %s", script, Arrays.toString(arguments))
                .isZero();
    }

    /** Runs a script and returns what it wrote to standard output. */
    static String output(String script, String... arguments) throws IOException, InterruptedException {
        Process process = command(script, arguments)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int status = process.waitFor();
        assertThat(status)
                .as("exit status of %s %s", script, Arrays.toString(arguments))
                .isZero();
        return text;
    }

    private static ProcessBuilder command(String script, String... arguments) {
        Path path = folder().resolve(script);
        List<String> line = new ArrayList<>();
        if (script.endsWith(".py")) {
            line.add("python3");
        }
        line.add(path.toString());
        line.addAll(List.of(arguments));
        return new ProcessBuilder(line);
    }

    private static Path folder() {
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            if (Files.isDirectory(at.resolve("scripts/e2e"))) {
                return at.resolve("scripts/e2e");
            }
        }
        throw new AssertionError("no scripts/e2e above " + Path.of("").toAbsolutePath());
    }

    /** Returns the path of a file beside the scripts. */
    static Path file(String name) {
        return folder().resolve(name);
    }
}
