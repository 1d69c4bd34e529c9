// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.simulator.http.RawClient.Response;
import dev.tandem.simulator.nixl.NixlConfig;
import dev.tandem.simulator.text.Tokenizer;
import dev.tandem.simulator.transfer.KvRole;
import dev.tandem.simulator.wire.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Engines in place of the recorded servers, by port, and the recorded requests in their order. Confined to one thread.
 *
 * <p>A decode leg carries the parameters of our prefill answer wherever it carried those of the recorded one; what the
 * recorder had changed in them on purpose is changed in the same way.
 */
final class Replay implements AutoCloseable {
    private static final int UNIFIED = 8010;
    private static final int PREFILL = 8110;
    private static final int DECODE = 8120;
    private static final String PARAMS = "kv_transfer_params";
    private static final String REQUEST_ID = "remote_request_id";
    /** The recorder killed the prefill server between the two legs. */
    private static final String KILLED_BEFORE = "30-prefill-killed-2-decode.http";

    private final Map<Integer, SimulatedEngine> engines = new HashMap<>();
    private final Set<Integer> dead = new HashSet<>();
    /** Recorded id of a prefill answer to its parameters: those that were recorded, then ours. */
    private final Map<String, ObjectNode[]> params = new HashMap<>();

    private final Set<Difference> used;

    Replay(String folder, Path store, Set<Difference> used) {
        this.used = used;
        switch (folder) {
            case "plain" ->
                engines.put(
                        UNIFIED,
                        start(options(
                                "--served-model-name",
                                "tiny",
                                "tiny-alias",
                                "--max-model-len",
                                "512",
                                "--enable-auto-tool-choice",
                                "--tool-call-parser",
                                "hermes")));
            case "nixl" -> {
                NixlConfig side = NixlConfig.of(KvRole.BOTH).withSideChannel("127.0.0.1", 0);
                engines.put(PREFILL, start(pairOptions().withNixl(side)));
                engines.put(DECODE, start(pairOptions().withNixl(side)));
            }
            case "shared-storage" -> {
                engines.put(UNIFIED, start(pairOptions()));
                engines.put(PREFILL, start(pairOptions("ExampleConnector", store)));
                engines.put(DECODE, start(pairOptions("ExampleConnector", store)));
            }
            case "lmcache-mp" -> {
                engines.put(PREFILL, start(pairOptions("LMCacheMPConnector", store)));
                engines.put(DECODE, start(pairOptions("LMCacheMPConnector", store)));
            }
            default -> throw new IllegalArgumentException("folder: " + folder);
        }
    }

    private static SimulatedEngine start(EngineOptions options) {
        return SimulatedEngine.start(options.withExitDelay(Duration.ofHours(1)));
    }

    private static EngineOptions pairOptions(String connector, Path store) {
        String config = "{\"kv_connector\":\"" + connector + "\",\"kv_role\":\"kv_both\"}";
        return options(
                "--served-model-name",
                "tiny",
                "--max-model-len",
                "2048",
                "--kv-transfer-config",
                config,
                "--sim-store",
                store.toString());
    }

    private static EngineOptions pairOptions() {
        return options("--served-model-name", "tiny", "--max-model-len", "2048");
    }

    private static EngineOptions options(String... more) {
        String[] common = {
            "tiny-qwen2",
            "--port",
            "0",
            "--block-size",
            "128",
            "--sim-speed",
            "instant",
            "--sim-answer-tokens",
            "0",
            "--enable-prompt-tokens-details"
        };
        String[] all = new String[common.length + more.length];
        System.arraycopy(common, 0, all, 0, common.length);
        System.arraycopy(more, 0, all, common.length, more.length);
        return EngineOptions.parse(all);
    }

    /** Sends a recorded request and compares the answer. */
    void run(Recording recording) throws IOException {
        if (recording.name().equals(KILLED_BEFORE)) {
            engine(PREFILL).crash();
        }
        if (recording.fatal()) {
            dead.add(recording.port());
        } else if (dead.remove(recording.port())) {
            engine(recording.port()).restart();
        }
        boolean toolCalls = isCutToolCall(recording);
        byte[] request = request(recording, toolCalls);
        Response expected = recording.answer();
        try (RawClient client = new RawClient(engine(recording.port()).port())) {
            client.send(request);
            if (expected == null) {
                Waiting.until(() -> engine(recording.port()).stats().deferred() == 1);
                assertThat(client.stream().available()).isZero();
                return;
            }
            Response actual = RawClient.read(client.stream(), recording.isHead());
            remember(expected, actual);
            new Comparison(used, toolCalls).compare(expected, actual);
        }
    }

    private SimulatedEngine engine(int port) {
        SimulatedEngine engine = engines.get(port);
        if (engine == null) {
            throw new IllegalArgumentException("no engine in place of port " + port);
        }
        return engine;
    }

    private void remember(Response expected, Response actual) {
        if (expected.body().contains("\"" + REQUEST_ID + "\"")
                && !expected.body().startsWith("data:")) {
            ObjectNode recorded =
                    (ObjectNode) Json.MAPPER.readTree(expected.body()).get(PARAMS);
            ObjectNode ours = (ObjectNode) Json.MAPPER.readTree(actual.body()).get(PARAMS);
            params.put(recorded.get(REQUEST_ID).stringValue(), new ObjectNode[] {recorded, ours});
        }
    }

    private static boolean isCutToolCall(Recording recording) {
        Response answer = recording.answer();
        return text(recording.request()).contains("\"tool_choice\": \"required\"")
                && answer != null
                && answer.body().contains("\"finish_reason\":\"length\"");
    }

    private byte[] request(Recording recording, boolean cutToolCall) {
        String text = text(recording.request());
        int cut = text.indexOf("\r\n\r\n") + 4;
        if (cutToolCall) {
            used.add(Difference.TOOL_CALLS);
            ObjectNode body = (ObjectNode) Json.MAPPER.readTree(text.substring(cut));
            String called = "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"days\":1,\"unit\":\"C";
            return with(text.substring(0, cut), body.put("max_tokens", Tokenizer.TOY.encode(called).length));
        }
        if (!text.contains("\"" + REQUEST_ID + "\"")) {
            return recording.request();
        }
        ObjectNode body = (ObjectNode) Json.MAPPER.readTree(text.substring(cut));
        body.set(PARAMS, translated((ObjectNode) body.get(PARAMS)));
        used.add(Difference.PARAMETERS);
        return with(text.substring(0, cut), body);
    }

    /** Puts our values where those of the recorded answer stood. */
    private ObjectNode translated(ObjectNode sent) {
        ObjectNode[] answers = Objects.requireNonNull(
                params.get(sent.get(REQUEST_ID).stringValue()), "a decode leg without its prefill leg");
        ObjectNode translated = Json.object();
        sent.properties().forEach(field -> {
            JsonNode recorded = answers[0].path(field.getKey());
            JsonNode ours = answers[1].path(field.getKey());
            boolean same = field.getValue().equals(recorded);
            boolean flat = field.getValue().equals(recorded.path(0));
            JsonNode value = same ? ours : flat ? (ArrayNode) ours.path(0) : field.getValue();
            translated.set(field.getKey(), value);
        });
        return translated;
    }

    private static byte[] with(String head, JsonNode body) {
        byte[] bytes = Json.bytes(body);
        String changed = head.replaceFirst("Content-Length: \\d+", "Content-Length: " + bytes.length);
        byte[] start = changed.getBytes(StandardCharsets.ISO_8859_1);
        byte[] all = new byte[start.length + bytes.length];
        System.arraycopy(start, 0, all, 0, start.length);
        System.arraycopy(bytes, 0, all, start.length, bytes.length);
        return all;
    }

    private static String text(byte[] request) {
        return new String(request, StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        engines.values().forEach(SimulatedEngine::close);
    }
}
