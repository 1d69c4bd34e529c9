// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import static dev.tandem.simulator.llama.LlamaClient.act;
import static dev.tandem.simulator.llama.LlamaClient.ask;
import static dev.tandem.simulator.llama.LlamaClient.complete;
import static dev.tandem.simulator.llama.LlamaClient.evaluated;
import static dev.tandem.simulator.llama.LlamaClient.json;
import static dev.tandem.simulator.llama.LlamaClient.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.simulator.SimulatorMain;
import dev.tandem.simulator.http.RawClient;
import dev.tandem.simulator.wire.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** A server in a process of its own, started as an operator starts it. */
class LlamaProcessTest {
    private static final Pattern LISTENING = Pattern.compile("listening url=http://127\\.0\\.0\\.1:([0-9]+)");
    private static final String PROMPT = "a prompt that crosses the border between two processes ".repeat(10);
    private static final long PATIENCE_SECONDS = 60;

    @TempDir
    Path folder;

    private static Process start(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                SimulatorMain.class.getName(),
                "llama-server"));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }

    @Test
    void anotherProcessRestoresWhatThisOneHasSaved() throws IOException {
        Process process = start(
                "-m",
                "/models/m.gguf",
                "-a",
                "m",
                "--port",
                "0",
                "-np",
                "2",
                "--sim-speed",
                "instant",
                "--slot-save-path",
                folder.toString());
        try (SimulatedLlamaServer prefill = SimulatedLlamaServer.start(LlamaOptions.of("m", folder));
                BufferedReader log = process.inputReader(StandardCharsets.UTF_8);
                RawClient decode = new RawClient(port(log))) {
            String unified = text(complete(prefill, ask(PROMPT, 0)));
            complete(prefill, ask(PROMPT, 1).put("max_tokens", 1));
            assertThat(act(prefill, 1, "save", "a.bin").status()).isEqualTo(200);
            String restore = RawClient.post("/slots/0?action=restore", "{\"filename\":\"a.bin\"}");
            assertThat(decode.send(restore).read().status()).isEqualTo(200);
            String request = RawClient.post("/v1/completions", Json.text(ask(PROMPT, 0)));
            JsonNode answer = json(decode.send(request).read());
            assertThat(evaluated(answer)).isEqualTo(1);
            assertThat(text(answer)).isEqualTo(unified);
        } finally {
            process.destroy();
        }
    }

    private static int port(BufferedReader log) throws IOException {
        for (String line = log.readLine(); line != null; line = log.readLine()) {
            Matcher listening = LISTENING.matcher(line);
            if (listening.find()) {
                return Integer.parseInt(listening.group(1));
            }
        }
        throw new IOException("the process ended before it listened");
    }

    @Test
    void wrongArgumentsEndTheProcessWithStatusTwo() throws Exception {
        Process process = start("-m", "m.gguf", "--port=1");
        try (BufferedReader log = process.inputReader(StandardCharsets.UTF_8)) {
            assertThat(log.lines().toList()).anyMatch(line -> line.contains("error: invalid argument: --port=1"));
            assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isEqualTo(2);
        } finally {
            process.destroy();
        }
    }
}
