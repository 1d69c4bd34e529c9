// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg.connector;

import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The object by which vLLM's connectors learn what a request has to do with the KV cache of another engine. Immutable;
 * keys keep their order. Texts are names, addresses and numbers of ours and need no escaping.
 */
final class KvParams {
    /** Name of the field in requests and answers. */
    static final String FIELD = "kv_transfer_params";

    private final Map<String, String> json;

    private KvParams(Map<String, String> json) {
        this.json = json;
    }

    /** Returns the parameters of a prefill leg. */
    static KvParams prefill() {
        return new KvParams(Map.of()).with("do_remote_decode", true).with("do_remote_prefill", false);
    }

    /** Returns the parameters of a decode leg. */
    static KvParams decode() {
        return new KvParams(Map.of()).with("do_remote_decode", false).with("do_remote_prefill", true);
    }

    /** Returns parameters of which nothing is set. */
    static KvParams empty() {
        return new KvParams(Map.of());
    }

    KvParams with(String key, String text) {
        return json(key, "\"" + text + "\"");
    }

    KvParams with(String key, int number) {
        return json(key, Integer.toString(number));
    }

    KvParams with(String key, boolean value) {
        return json(key, Boolean.toString(value));
    }

    KvParams with(String key, KvParams inner) {
        return json(key, inner.text());
    }

    KvParams without(String... keys) {
        return Arrays.stream(keys).reduce(this, (params, key) -> params.json(key, "null"), (a, b) -> b);
    }

    /** Returns the values by their keys, as JSON. */
    Map<String, String> values() {
        return json;
    }

    /** Returns the edit that sets them. */
    Put put() {
        return new Put(FIELD, text());
    }

    /** Sets a value that is written as JSON already. */
    KvParams json(String key, String value) {
        Map<String, String> more = new LinkedHashMap<>(json);
        more.put(key, value);
        return new KvParams(more);
    }

    private String text() {
        return json.entrySet().stream()
                .map(entry -> "\"" + entry.getKey() + "\":" + entry.getValue())
                .collect(Collectors.joining(",", "{", "}"));
    }
}
