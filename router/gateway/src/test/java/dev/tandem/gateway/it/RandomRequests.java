// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import dev.tandem.core.request.ApiKind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.random.RandomGenerator;

/** Makes requests as odd as JSON allows, each from the seed alone. Confined to one thread. */
final class RandomRequests {
    private static final List<ApiKind> APIS = List.of(
            ApiKind.COMPLETIONS,
            ApiKind.CHAT,
            ApiKind.CHAT,
            ApiKind.RESPONSES,
            ApiKind.MESSAGES,
            ApiKind.EMBEDDINGS,
            ApiKind.RERANK,
            ApiKind.SCORE,
            ApiKind.TOKENIZE,
            ApiKind.DETOKENIZE);

    private static final List<String> NUMBERS = List.of(
            "0",
            "-0",
            "-0.0",
            "1.10",
            "1e400",
            "-1E-400",
            "18446744073709551615",
            "9007199254740993",
            "-9223372036854775808",
            "0.1000000000000000055511151231257827",
            "1E+2",
            "123456789012345678901234567890",
            "5e-324",
            "7");

    private static final List<String> TEXTS = List.of(
            "plain",
            "\u4f60\u597d\uff0c\u4e16\u754c",
            "\uc548\ub155\ud558\uc138\uc694",
            "\ud83e\udd8a\ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc67",
            "\\u00e9",
            "\\ud83d\\ude00",
            "\\ud800",
            "\\udfff lone",
            "\\\"quoted\\\" \\\\ \\/ \\b\\f\\n\\r\\t",
            "\\u0000",
            "\u00e9\u0301",
            "\u2028\u2029",
            "\u007f",
            "</script>",
            "data: [DONE]\\n\\n",
            "{\\\"stream\\\":true}",
            "",
            " ");

    /** Fields that engines know and the gateway must not touch on the leg that answers. */
    private static final List<String> KNOWN = List.of(
            "temperature",
            "top_p",
            "seed",
            "logit_bias",
            "stop",
            "user",
            "metadata",
            "presence_penalty",
            "n",
            "best_of",
            "min_tokens",
            "logprobs",
            "top_logprobs",
            "prompt_logprobs",
            "echo",
            "stream_options",
            "response_format",
            "max_completion_tokens",
            "max_tokens",
            "max_output_tokens",
            "priority",
            "cache_salt",
            "background",
            "store",
            "top_k",
            "guided_json",
            "chat_template_kwargs",
            "add_generation_prompt");

    private static final Set<String> COUNTS = Set.of("n", "best_of");

    /** Fields that a client has no business with: they are removed from every leg. */
    static final List<String> CONTROL = List.of(
            "kv_transfer_params",
            "ec_transfer_params",
            "disagg_spec",
            "bootstrap_host",
            "bootstrap_port",
            "bootstrap_room",
            "request_id",
            "data_parallel_rank",
            "vllm_xargs",
            "id_slot",
            "lmcache.skip_save");

    private final RandomGenerator random;

    RandomRequests(long seed) {
        this.random = new Random(seed);
    }

    /**
     * A request and what is known of its parts.
     *
     * @param api the API
     * @param streaming whether it asks for a stream
     * @param members name to value, each as it is spelt, in their order
     * @param text the body
     */
    record Made(ApiKind api, boolean streaming, Map<String, String> members, String text) {}

    Made next() {
        ApiKind api = APIS.get(random.nextInt(APIS.size()));
        boolean streaming = api.generative() && random.nextInt(3) == 0;
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("model", "\"tiny\"");
        prompt(api, fields);
        if (streaming || random.nextInt(8) == 0) {
            fields.put("stream", Boolean.toString(streaming));
        }
        int more = random.nextInt(9);
        for (int i = 0; i < more; i++) {
            String known = KNOWN.get(random.nextInt(KNOWN.size()));
            fields.putIfAbsent(known, COUNTS.contains(known) ? count() : value(0));
            fields.putIfAbsent(TEXTS.get(random.nextInt(4)) + random.nextInt(1000), value(0));
        }
        while (random.nextInt(4) == 0) {
            fields.putIfAbsent(CONTROL.get(random.nextInt(CONTROL.size())), value(0));
        }
        List<String> names = new ArrayList<>(fields.keySet());
        Collections.shuffle(names, Random.from(random));
        Map<String, String> shuffled = new LinkedHashMap<>();
        names.forEach(name -> shuffled.put(name, fields.get(name)));
        return new Made(api, streaming, shuffled, write(shuffled));
    }

    private String write(Map<String, String> members) {
        StringBuilder text = new StringBuilder(space()).append('{');
        String comma = "";
        for (Map.Entry<String, String> member : members.entrySet()) {
            text.append(comma)
                    .append(space())
                    .append('"')
                    .append(member.getKey())
                    .append('"')
                    .append(space());
            text.append(':').append(space()).append(member.getValue()).append(space());
            comma = ",";
        }
        return text.append('}').append(space()).toString();
    }

    private void prompt(ApiKind api, Map<String, String> fields) {
        switch (api) {
            case COMPLETIONS, TOKENIZE -> fields.put("prompt", random.nextInt(5) == 0 ? "[1,2,3,70000]" : longText());
            case CHAT -> {
                fields.put("messages", messages());
                if (random.nextInt(3) == 0) {
                    fields.put("tools", tools());
                }
            }
            case MESSAGES -> {
                fields.put("messages", messages());
                fields.put("max_tokens", "1" + random.nextInt(9));
            }
            case RESPONSES -> fields.put("input", random.nextBoolean() ? longText() : messages());
            case EMBEDDINGS -> fields.put("input", "[" + text() + space() + "," + text() + "]");
            case RERANK -> {
                fields.put("query", text());
                fields.put("documents", "[" + text() + "," + longText() + "]");
            }
            case SCORE -> {
                fields.put("text_1", text());
                fields.put("text_2", longText());
            }
            case DETOKENIZE -> fields.put("tokens", "[1, 2,3]");
            case TRANSCRIPTIONS -> throw new IllegalStateException("not JSON");
        }
    }

    private String messages() {
        StringBuilder list = new StringBuilder("[");
        int count = 1 + random.nextInt(3);
        for (int i = 0; i < count; i++) {
            list.append(i == 0 ? "" : ",").append(space()).append("{\"role\":\"user\",\"content\":");
            list.append(random.nextInt(4) == 0 ? parts() : longText())
                    .append(space())
                    .append('}');
        }
        return list.append(']').toString();
    }

    private String parts() {
        byte[] image = new byte[64 + random.nextInt(3_000)];
        random.nextBytes(image);
        return "[{\"type\":\"text\",\"text\":" + text()
                + "},{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,"
                + java.util.Base64.getEncoder().encodeToString(image) + "\"}}]";
    }

    private String tools() {
        return "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{"
                + name() + ":{\"type\":\"number\",\"minimum\":" + number() + "}}}}}]";
    }

    /** Long enough for a prefill leg every other time; a few of them have 1 MiB. */
    private String longText() {
        String text = TEXTS.get(random.nextInt(TEXTS.size()));
        if (random.nextInt(250) == 0) {
            return "\"" + (text + "0123456789abcdef").repeat((1 << 20) / (text.length() + 16)) + "\"";
        }
        return "\"" + text + (random.nextBoolean() ? (text + " words").repeat(200) : "") + "\"";
    }

    private String value(int depth) {
        return switch (random.nextInt(depth > 3 ? 4 : 6)) {
            case 0 -> text();
            case 1, 2 -> number();
            case 3 -> List.of("true", "false", "null").get(random.nextInt(3));
            case 4 -> "[" + space() + value(depth + 1) + "," + value(depth + 1) + space() + "]";
            default -> "{" + name() + space() + ":" + value(depth + 1) + "}";
        };
    }

    private String text() {
        return "\"" + TEXTS.get(random.nextInt(TEXTS.size())) + "\"";
    }

    /** Lone surrogates stay out of names: the scanner refuses them there, as no engine has a field of such a name. */
    private String name() {
        String name = text();
        while (name.startsWith("\"\\ud800") || name.startsWith("\"\\udfff")) {
            name = text();
        }
        return name;
    }

    private String number() {
        return NUMBERS.get(random.nextInt(NUMBERS.size()));
    }

    /** More answers than the gateway's limit would be refused. */
    private String count() {
        return List.of("null", "1", "2.0", "\"3\"", "128", "[1]").get(random.nextInt(6));
    }

    private String space() {
        return List.of("", "", "", " ", "\n  ", "\t", "\r\n").get(random.nextInt(7));
    }
}
