// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.wire;

import dev.tandem.simulator.text.ContentHash;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a server says about itself and its model. Immutable.
 *
 * @param root Model as passed on the command line.
 * @param names Served names; the first one is the name in answers.
 * @param maxModelLength Context length in tokens.
 * @param created Start of the server, seconds since 1970.
 * @param details The usage of answers shows cached tokens.
 * @param toolParser Tool calls are parsed from free text (automatic tool choice).
 * @param version Version of vLLM that the server claims.
 */
public record Served(
        String root,
        List<String> names,
        int maxModelLength,
        long created,
        boolean details,
        boolean toolParser,
        String version) {
    /** Version that the server claims unless told otherwise: the recorded one. */
    public static final String VERSION = "0.32.0";

    /** Copies the names. */
    public Served {
        names = List.copyOf(names);
    }

    /** Returns the name in answers. */
    public String name() {
        return names.getFirst();
    }

    /** Returns the system fingerprint. */
    public String fingerprint() {
        return "vllm-" + version + "-" + "%08x".formatted((int) ContentHash.of(root));
    }

    /** Rejects a model that is not served; no model is accepted. */
    public void check(@Nullable String model) {
        if (model != null && !names.contains(model)) {
            String message =
                    "The model `" + model + "` does not exist. Valid aliases: " + String.join(", ", names) + ".";
            throw new Rejection(404, "NotFoundError", message, "model");
        }
    }

    /** Returns the body of {@code /v1/models}. */
    public ObjectNode models() {
        ObjectNode body = Json.object().put("object", "list");
        ArrayNode data = body.putArray("data");
        for (String name : names) {
            ObjectNode model = data.addObject()
                    .put("id", name)
                    .put("object", "model")
                    .put("created", created)
                    .put("owned_by", "vllm")
                    .put("root", root)
                    .putNull("parent")
                    .put("max_model_len", maxModelLength);
            permission(model.putArray("permission").addObject(), name);
        }
        return body;
    }

    private void permission(ObjectNode permission, String name) {
        permission
                .put("id", "modelperm-%016x".formatted(ContentHash.of(name)))
                .put("object", "model_permission")
                .put("created", created)
                .put("allow_create_engine", false)
                .put("allow_sampling", true)
                .put("allow_logprobs", true)
                .put("allow_search_indices", false)
                .put("allow_view", true)
                .put("allow_fine_tuning", false)
                .put("organization", "*")
                .putNull("group")
                .put("is_blocking", false);
    }
}
