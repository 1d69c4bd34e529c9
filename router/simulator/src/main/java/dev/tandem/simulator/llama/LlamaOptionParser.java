// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import dev.tandem.simulator.engine.Speed;
import dev.tandem.simulator.http.UsageException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Options on their way, with llama-server's defaults, and its command line: {@code --name value} or a short name, no
 * {@code =}, unknown arguments refused. Confined to one caller.
 */
final class LlamaOptionParser {
    /** Slots that the server makes when none are asked for. */
    private static final int AUTOMATIC_SLOTS = 4;

    private static final int LARGEST_PORT = 65_535;

    private record Option(boolean takesValue, BiConsumer<LlamaOptionParser, String> apply, String help) {}

    private static final Map<String, Option> OPTIONS = new LinkedHashMap<>();

    static {
        one("model file, never opened", (draft, v) -> draft.model = v, "-m", "--model");
        one("names, separated by commas", (draft, v) -> draft.aliases = List.of(v.split(",")), "-a", "--alias");
        one("address to listen on (127.0.0.1)", (draft, v) -> draft.host = v, "--host");
        one("port, 0 for any free one (8080)", (d, v) -> d.port = number("--port", v, 0, LARGEST_PORT), "--port");
        one(
                "context of all slots together, tokens (4096)",
                (d, v) -> d.contextTokens = number("--ctx-size", v, 0, Integer.MAX_VALUE / 2),
                "-c",
                "--ctx-size");
        one("slots, -1: four with one KV", LlamaOptionParser::parallel, "-np", "--parallel");
        one(
                "most tokens of one evaluation (2048)",
                (d, v) -> d.batchTokens = number("--batch-size", v, 1, Integer.MAX_VALUE),
                "-b",
                "--batch-size");
        flag("slots share one KV", (d, v) -> d.unified = true, "-kvu", "--kv-unified");
        flag("slots have a share of the KV each", (d, v) -> d.unified = false, "-no-kvu", "--no-kv-unified");
        one("existing folder of saved slots", LlamaOptionParser::slotFolder, "--slot-save-path");
        one("choice of slots by content, 0-1 (0.1)", LlamaOptionParser::similarity, "-sps", "--slot-prompt-similarity");
        flag("serve /metrics", (d, v) -> d.metricsShown = true, "--metrics");
        flag("serve GET /slots (on)", (d, v) -> d.slotsShown = true, "--slots");
        flag("do not serve GET /slots", (d, v) -> d.slotsShown = false, "--no-slots");
        one("key that clients must show", (d, v) -> d.apiKey = v, "--api-key");
        one("step times: " + Speed.names() + " (lively)", LlamaOptionParser::speed, "--sim-speed");
        one(
                "mean natural length of an answer, 0: only limits end it (64)",
                (d, v) -> d.answerTokens = number("--sim-answer-tokens", v, 0, Integer.MAX_VALUE),
                "--sim-answer-tokens");
        flag("refuse what the real server wrongly accepts", (d, v) -> d.strict = true, "--sim-strict");
        flag("accept it (the default)", (d, v) -> d.strict = false, "--no-sim-strict");
        flag("serve /sim and obey x-sim-fault (on)", (d, v) -> d.admin = true, "--sim-admin");
        flag("neither /sim nor x-sim-fault", (d, v) -> d.admin = false, "--no-sim-admin");
        for (String name : List.of(
                "--no-ui",
                "--no-webui",
                "--no-warmup",
                "--mlock",
                "--no-mmap",
                "--jinja",
                "--no-jinja",
                "--no-cache-idle-slots",
                "--cache-idle-slots",
                "--cache-prompt",
                "--log-disable",
                "--offline",
                "-cb",
                "--cont-batching",
                "-v",
                "--verbose",
                "--props")) {
            flag("accepted, without effect", (draft, v) -> {}, name);
        }
        for (String name : List.of(
                "-t",
                "--threads",
                "-tb",
                "--threads-batch",
                "--threads-http",
                "-cram",
                "--cache-ram",
                "-ngl",
                "--gpu-layers",
                "--n-gpu-layers",
                "-fa",
                "--flash-attn",
                "-ub",
                "--ubatch-size",
                "-to",
                "--timeout",
                "-s",
                "--seed",
                "-ctk",
                "--cache-type-k",
                "-ctv",
                "--cache-type-v",
                "--chat-template",
                "--temp",
                "--log-file",
                "-lv",
                "--verbosity",
                "--sse-ping-interval",
                "--numa")) {
            one("accepted, without effect", (draft, v) -> {}, name);
        }
    }

    String model = "";
    List<String> aliases = List.of();
    String host = "127.0.0.1";
    int port = 8080;
    int contextTokens = 4_096;
    int slots = AUTOMATIC_SLOTS;
    boolean unified = true;
    int batchTokens = 2_048;

    @Nullable
    Path slotFolder;

    double similarity = 0.1;
    boolean metricsShown;
    boolean slotsShown = true;

    @Nullable
    String apiKey;

    Speed speed = Speed.LIVELY;
    int answerTokens = 64;
    boolean strict;
    boolean admin = true;

    LlamaOptionParser() {}

    LlamaOptionParser(LlamaOptions options) {
        model = options.model();
        aliases = options.aliases();
        host = options.host();
        port = options.port();
        contextTokens = options.contextTokens();
        slots = options.slots();
        unified = options.unified();
        batchTokens = options.batchTokens();
        slotFolder = options.slotFolder();
        similarity = options.similarity();
        metricsShown = options.metricsShown();
        slotsShown = options.slotsShown();
        apiKey = options.apiKey();
        speed = options.speed();
        answerTokens = options.answerTokens();
        strict = options.strict();
        admin = options.admin();
    }

    LlamaOptions finish() {
        if (model.isEmpty()) {
            throw new UsageException("no model: name it with -m");
        }
        return new LlamaOptions(
                model,
                aliases.isEmpty() ? List.of(String.valueOf(Path.of(model).getFileName())) : aliases,
                host,
                port,
                contextTokens,
                slots,
                unified,
                batchTokens,
                slotFolder,
                similarity,
                metricsShown,
                slotsShown,
                apiKey,
                speed,
                answerTokens,
                strict,
                admin);
    }

    LlamaOptions parse(String... arguments) {
        Deque<String> left = new ArrayDeque<>(Arrays.asList(arguments));
        while (!left.isEmpty()) {
            String name = left.removeFirst();
            Option option = OPTIONS.get(name.startsWith("--") ? name.replace('_', '-') : name);
            if (option == null) {
                throw new UsageException("invalid argument: " + name);
            }
            if (option.takesValue && left.isEmpty()) {
                throw new UsageException("error while handling argument \"" + name + "\": expected value for argument");
            }
            option.apply.accept(this, option.takesValue ? left.removeFirst() : "");
        }
        return finish();
    }

    static String help() {
        StringBuilder text = new StringBuilder("""
                usage: simulator llama-server -m MODEL [options]

                A simulated llama-server (llama.cpp b11669); no model runs.

                """);
        OPTIONS.forEach((name, option) -> text.append("  %-28s %s%n".formatted(name, option.help)));
        return text.toString();
    }

    private static void one(String help, BiConsumer<LlamaOptionParser, String> apply, String... names) {
        for (String name : names) {
            OPTIONS.put(name, new Option(true, apply, help));
        }
    }

    private static void flag(String help, BiConsumer<LlamaOptionParser, String> apply, String... names) {
        for (String name : names) {
            OPTIONS.put(name, new Option(false, apply, help));
        }
    }

    private static void parallel(LlamaOptionParser draft, String value) {
        int asked = number("--parallel", value, -1, 1_024);
        if (asked == 0) {
            throw wrong("--parallel", value, "-1 or at least 1");
        }
        draft.slots = asked < 0 ? AUTOMATIC_SLOTS : asked;
        draft.unified = asked < 0;
    }

    private static void slotFolder(LlamaOptionParser draft, String value) {
        Path folder = Path.of(value);
        if (!Files.isDirectory(folder)) {
            throw new UsageException("error while handling argument \"--slot-save-path\": not a directory: " + value);
        }
        draft.slotFolder = folder;
    }

    private static void similarity(LlamaOptionParser draft, String value) {
        try {
            draft.similarity = Double.parseDouble(value);
        } catch (NumberFormatException e) {
            throw wrong("--slot-prompt-similarity", value, "a number");
        }
    }

    private static void speed(LlamaOptionParser draft, String value) {
        try {
            draft.speed = Speed.preset(value);
        } catch (IllegalArgumentException e) {
            throw new UsageException("error while handling argument \"--sim-speed\": " + e.getMessage());
        }
    }

    private static int number(String name, String value, int least, int most) {
        String expected = least + " to " + most;
        try {
            int number = Integer.parseInt(value);
            if (number < least || number > most) {
                throw wrong(name, value, expected);
            }
            return number;
        } catch (NumberFormatException e) {
            throw wrong(name, value, expected);
        }
    }

    private static UsageException wrong(String name, String value, String expected) {
        return new UsageException(
                "error while handling argument \"" + name + "\": " + value + " (expected: " + expected + ")");
    }
}
