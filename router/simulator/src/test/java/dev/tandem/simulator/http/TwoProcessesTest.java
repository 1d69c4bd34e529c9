// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.simulator.SimulatorMain;
import dev.tandem.simulator.nixl.NixlConfig;
import dev.tandem.simulator.transfer.KvRole;
import dev.tandem.simulator.wire.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** A prefill engine in a process of its own, started as an operator starts it. */
class TwoProcessesTest {
    private static final String PROMPT = "the quick brown fox jumps over the lazy dog and runs away ".repeat(6);
    private static final Pattern LISTENING = Pattern.compile("listening url=(\\S+)");

    @Test
    @Timeout(180)
    void kvGoesFromOneProcessToAnother() throws IOException {
        Process process = start("NixlConnector");
        try (SimulatedEngine decode = SimulatedEngine.start(Pair.options())) {
            int port = portOf(process);
            JsonNode params;
            try (RawClient client = new RawClient(port)) {
                String body = Pair.prefillLeg(PROMPT).put("model", "m").toString();
                params = Pair.json(client.send(RawClient.post(Pair.PATH, body)).read())
                        .get("kv_transfer_params");
            }
            assertThat(params.get("remote_port").asInt()).isPositive().isNotEqualTo(port);
            assertThat(params.get("remote_engine_id").stringValue()).isEqualTo("prefill-1");
            RawClient.Response decoded = Pair.post(decode, Pair.PATH, Pair.decodeLeg(PROMPT, params));
            assertThat(Pair.text(decoded)).isEqualTo(Pair.alone(PROMPT));
            assertThat(decode.journal().violations()).isEmpty();
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    @Timeout(180)
    void kvIsPushedFromOneProcessToAnother() throws IOException {
        NixlConfig push =
                NixlConfig.of(KvRole.CONSUMER).withSideChannel("127.0.0.1", 0).withMode(NixlConfig.Mode.PUSH);
        Process process = start("NixlPushConnector");
        try (SimulatedEngine decode =
                        SimulatedEngine.start(EngineOptions.of("m", 0).withConnector("NixlPushConnector", push));
                RawClient prefill = new RawClient(portOf(process));
                RawClient client = new RawClient(decode.port())) {
            ObjectNode engine = Pair.json(
                    prefill.send("GET /sim/engine HTTP/1.1\r\nHost: x\r\n\r\n").read());
            ObjectNode params = Json.object()
                    .put("do_remote_prefill", true)
                    .put("do_remote_decode", false)
                    .put("remote_engine_id", "prefill-1")
                    .put("remote_host", "127.0.0.1")
                    .put("remote_port", engine.get("side_channel_port").asInt())
                    .put("tp_size", 1)
                    .put("pp_size", 1)
                    .put("remote_request_id", "a");
            String id = "X-Request-Id: a\r\n";
            client.send(RawClient.post(Pair.PATH, Pair.decodeLeg(PROMPT, params).toString(), id));
            Waiting.until(() -> decode.stats().deferred() == 1);
            String leg = Pair.prefillLeg(PROMPT).put("model", "m").toString();
            assertThat(prefill.send(RawClient.post(Pair.PATH, leg, id)).read().status())
                    .isEqualTo(200);
            assertThat(Pair.text(client.read())).isEqualTo(Pair.alone(PROMPT));
        } finally {
            process.destroyForcibly();
        }
    }

    private static Process start(String connector) throws IOException {
        String classes = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                classes,
                SimulatorMain.class.getName(),
                "serve",
                "m",
                "--port",
                "0",
                "--sim-speed",
                "instant",
                "--kv-transfer-config",
                "{\"kv_connector\":\"" + connector + "\",\"kv_role\":\"kv_producer\",\"engine_id\":\"prefill-1\"}");
        builder.environment().put("VLLM_NIXL_SIDE_CHANNEL_HOST", "127.0.0.1");
        builder.environment().put("VLLM_NIXL_SIDE_CHANNEL_PORT", "0");
        return builder.redirectErrorStream(true).start();
    }

    private static int portOf(Process process) throws IOException {
        BufferedReader output =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        StringBuilder said = new StringBuilder();
        for (String line = output.readLine(); line != null; line = output.readLine()) {
            Matcher listening = LISTENING.matcher(line);
            if (listening.find()) {
                return URI.create(listening.group(1)).getPort();
            }
            said.append(line).append('\n');
        }
        throw new IOException("the engine has ended: " + said);
    }
}
