// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import dev.tandem.simulator.engine.Speed;
import dev.tandem.simulator.notice.Mishaps;
import dev.tandem.simulator.sglang.SglangConfig;
import dev.tandem.simulator.wire.Served;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;

/**
 * Reads a vLLM command line the way its argparse does: {@code --name value}, {@code --name=value}, underscores for
 * dashes, unknown arguments refused. Confined to one caller.
 */
final class OptionParser {
    /** How many values an option takes. */
    private enum Values {
        NONE,
        ONE,
        MANY
    }

    private record Option(Values values, BiConsumer<OptionDraft, List<String>> apply, String help) {}

    private static final Map<String, Option> OPTIONS = new LinkedHashMap<>();

    static {
        one("--model", (draft, value) -> draft.model = value, "model, also as the positional argument");
        option("--served-model-name", Values.MANY, (d, v) -> d.servedNames = v, "names that requests may use");
        one("--host", (draft, value) -> draft.host = value, "address to listen on (127.0.0.1)");
        one("--port", (draft, value) -> draft.port = number("--port", value), "port, 0 for any free one (8000)");
        one("--max-model-len", (d, v) -> d.maxModelLength = size("--max-model-len", v), "context, tokens (32768)");
        one("--block-size", (d, v) -> d.blockSize = number("--block-size", v), "tokens per KV block (16)");
        one("--num-gpu-blocks-override", (d, v) -> d.blocks = number("--num-gpu-blocks-override", v), "KV blocks");
        one("--max-num-seqs", (d, v) -> d.maxSequences = number("--max-num-seqs", v), "sequences per step (256)");
        one(
                "--max-num-batched-tokens",
                (d, v) -> d.maxBatchedTokens = size("--max-num-batched-tokens", v),
                "token budget of a step (2048)");
        one("--kv-transfer-config", (d, v) -> d.transfer = KvTransfer.parse(v), "JSON of the KV connector");
        flag("--enable-prompt-tokens-details", (d, on) -> d.promptDetails = on, "show cached tokens in the usage");
        flag("--enable-auto-tool-choice", (d, on) -> d.autoToolChoice = on, "let the model decide on tool calls");
        one("--tool-call-parser", (d, v) -> d.toolParser = true, "parser of tool calls, any name");
        one("--api-key", (draft, value) -> draft.apiKey = value, "key that clients must show");
        flag("--enable-request-id-headers", (d, on) -> d.requestIdHeader = on, "answer with X-Request-Id");
        one("--runner", (d, v) -> runner(d, v), "auto, generate or pooling");
        one("--task", (d, v) -> runner(d, v), "generate, embed, score, classify, reward or transcription");
        one("--sim-speed", (d, v) -> d.speed = speed(v), "step times: " + Speed.names() + " (lively)");
        one("--sim-store", (d, v) -> d.store = Path.of(v), "folder of the shared KV store, wins over the connector's");
        one(
                "--sim-answer-tokens",
                (d, v) -> d.answerTokens = number("--sim-answer-tokens", v),
                "mean natural length of an answer, 0: only limits end it (64)");
        flag(
                "--sim-all-apis",
                (d, on) -> d.apis = on ? EngineOptions.Apis.ALL : d.apis,
                "serve generation, pooling and transcription together");
        flag("--sim-strict", (d, on) -> d.strict = on, "refuse what a correct router never sends");
        one("--sim-version", (d, v) -> d.version = v, "version of vLLM to claim (" + Served.VERSION + ")");
        one(
                "--sim-notices",
                (d, v) -> d.mishaps = mishaps(v),
                "mishaps of notices: delay_ms=, lose=, duplicate=, reorder=, early=");
        one("--sim-telemetry", (d, v) -> d.telemetry = v, "where LMCacheMPConnector says that it has stored, a URL");
        one("--tensor-parallel-size", (d, v) -> d.tensorParallel = number("--tensor-parallel-size", v), "workers (1)");
        one("--data-parallel-size", (d, v) -> d.dataParallel = number("--data-parallel-size", v), "ranks (1)");
        one("--sim-engine", (d, v) -> engine(d, v), "vllm or sglang, whose disaggregation it then behaves as (vllm)");
        one("--disaggregation-mode", (d, v) -> mode(d, v), "part of an SGLang engine: null, prefill or decode");
        one(
                "--disaggregation-bootstrap-port",
                (d, v) -> d.sglang =
                        sglang(d).withBootstrap(sglang(d).host(), number("--disaggregation-bootstrap-port", v)),
                "bootstrap port of SGLang's prefill engines (8998)");
        flag(EngineOptions.NEXT, (d, on) -> {}, "the command line of a further engine in this process follows");
        flag("--sim-admin", (d, on) -> d.admin = on, "serve /sim and obey x-sim-fault (on)");
        harmless(Values.NONE, "--enforce-eager", "--enable-prefix-caching", "--enable-chunked-prefill");
        harmless(Values.NONE, "--disable-hybrid-kv-cache-manager", "--trust-remote-code", "--disable-log-requests");
        harmless(Values.NONE, "--disable-log-stats", "--enable-server-load-tracking", "--async-scheduling");
        harmless(Values.ONE, "--dtype", "--gpu-memory-utilization", "--shutdown-timeout", "--cpu-offload-gb", "--seed");
        harmless(Values.ONE, "--swap-space", "--kv-cache-dtype", "--quantization");
        harmless(Values.ONE, "--disable-access-log-for-endpoints", "--uvicorn-log-level", "--attention-backend");
        harmless(Values.ONE, "--generation-config", "--tokenizer", "--download-dir", "--max-num-queued-reqs");
        harmless(Values.ONE, "--chat-template", "--kv-offloading-size", "--kv-offloading-backend", "--load-format");
        harmless(Values.ONE, "--kv-cache-memory-bytes", "--scheduling-policy", "--reasoning-parser", "--revision");
    }

    private OptionParser() {}

    static EngineOptions parse(String... arguments) {
        OptionDraft draft = new OptionDraft();
        List<String> unknown = new ArrayList<>();
        int at = arguments.length > 0 && arguments[0].equals("serve") ? 1 : 0;
        while (at < arguments.length) {
            at = parseOne(arguments, at, draft, unknown);
        }
        if (!unknown.isEmpty()) {
            throw new UsageException("unrecognized arguments: " + String.join(" ", unknown));
        }
        if (draft.model.isEmpty()) {
            throw new UsageException("no model: name it as `serve MODEL` or `--model MODEL`");
        }
        draft.toolParser &= draft.autoToolChoice;
        if (draft.sglang != null) {
            draft.transfer = KvTransfer.direct(SglangConfig.NAME, draft.sglang);
        }
        return draft.finish();
    }

    static String help() {
        StringBuilder text = new StringBuilder(usage()).append("\n\nA simulated vLLM 0.32 server; no model runs.\n\n");
        OPTIONS.forEach((name, option) -> text.append("  %-36s %s%n".formatted(name, option.help)));
        return text.toString();
    }

    static String usage() {
        return "usage: simulator serve [model_tag] [options]";
    }

    private static int parseOne(String[] arguments, int at, OptionDraft draft, List<String> unknown) {
        String argument = arguments[at];
        if (!argument.startsWith("--")) {
            if (draft.model.isEmpty() && !argument.startsWith("-")) {
                draft.model = argument;
            } else {
                unknown.add(argument);
            }
            return at + 1;
        }
        int equals = argument.indexOf('=');
        String name = (equals < 0 ? argument : argument.substring(0, equals)).replace('_', '-');
        boolean negated = name.startsWith("--no-") && OPTIONS.containsKey("--" + name.substring(5));
        Option option = OPTIONS.get(negated ? "--" + name.substring(5) : name);
        if (option == null || (negated && option.values != Values.NONE)) {
            unknown.add(argument);
            return at + 1;
        }
        List<String> values = new ArrayList<>();
        int next = at + 1;
        if (option.values == Values.NONE) {
            values.add(Boolean.toString(!negated));
        } else if (equals >= 0) {
            values.add(argument.substring(equals + 1));
        } else {
            int most = option.values == Values.ONE ? 1 : Integer.MAX_VALUE;
            while (next < arguments.length && values.size() < most && !arguments[next].startsWith("--")) {
                values.add(arguments[next++]);
            }
        }
        if (values.isEmpty()) {
            throw new UsageException("argument " + name + ": expected one argument");
        }
        option.apply.accept(draft, values);
        return next;
    }

    private static void option(String name, Values values, BiConsumer<OptionDraft, List<String>> apply, String help) {
        OPTIONS.put(name, new Option(values, apply, help));
    }

    private static void one(String name, BiConsumer<OptionDraft, String> apply, String help) {
        option(name, Values.ONE, (draft, values) -> apply.accept(draft, values.getFirst()), help);
    }

    private static void flag(String name, BiConsumer<OptionDraft, Boolean> apply, String help) {
        option(name, Values.NONE, (draft, values) -> apply.accept(draft, Boolean.valueOf(values.getFirst())), help);
    }

    private static void harmless(Values values, String... names) {
        for (String name : names) {
            option(name, values, (draft, ignored) -> {}, "accepted, without effect");
        }
    }

    static int number(String name, String value) {
        try {
            return Integer.parseInt(value);
        } catch (NumberFormatException e) {
            throw new UsageException("argument " + name + ": invalid int value: '" + value + "'");
        }
    }

    /** Returns a number of tokens; {@code 4k} is 4,000 and {@code 4K} is 4,096, as in vLLM. */
    private static int size(String name, String value) {
        if (value.endsWith("k")) {
            return 1_000 * number(name, value.substring(0, value.length() - 1));
        }
        return value.endsWith("K") ? 1_024 * number(name, value.substring(0, value.length() - 1)) : number(name, value);
    }

    private static Speed speed(String name) {
        try {
            return Speed.preset(name);
        } catch (IllegalArgumentException e) {
            throw new UsageException("argument --sim-speed: " + e.getMessage());
        }
    }

    private static Mishaps mishaps(String text) {
        try {
            return Mishaps.parse(text);
        } catch (IllegalArgumentException e) {
            throw new UsageException("argument --sim-notices: " + e.getMessage());
        }
    }

    private static void engine(OptionDraft draft, String value) {
        draft.sglang = switch (value) {
            case "vllm" -> null;
            case SglangConfig.NAME -> sglang(draft);
            default -> throw new UsageException("argument --sim-engine: invalid choice: '" + value + "'");
        };
    }

    private static SglangConfig sglang(OptionDraft draft) {
        return draft.sglang == null ? SglangConfig.of(SglangConfig.Mode.NULL) : draft.sglang;
    }

    private static void mode(OptionDraft draft, String value) {
        try {
            draft.sglang = sglang(draft).withMode(SglangConfig.Mode.of(value));
        } catch (IllegalArgumentException e) {
            throw new UsageException("argument --disaggregation-mode: " + e.getMessage());
        }
    }

    private static void runner(OptionDraft draft, String value) {
        draft.apis = switch (value) {
            case "auto", "generate", "draft" -> EngineOptions.Apis.GENERATE;
            case "pooling", "embed", "embedding", "score", "classify", "reward" -> EngineOptions.Apis.POOLING;
            case "transcription" -> EngineOptions.Apis.TRANSCRIPTION;
            default -> throw new UsageException("argument --runner: invalid choice: '" + value + "'");
        };
    }
}
