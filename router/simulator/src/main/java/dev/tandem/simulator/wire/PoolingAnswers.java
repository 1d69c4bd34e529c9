// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.wire;

import dev.tandem.simulator.text.ContentHash;
import dev.tandem.simulator.text.Tokenizer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Answers of the embeddings, score and rerank APIs: vectors of unit length and scores from 0 to 1 that are functions of
 * the text. Confined to one request. Shapes from vLLM's protocol classes of 0.32.
 */
public final class PoolingAnswers {
    private static final int DIMENSIONS = 64;

    private final Fields fields;
    private final Served served;
    private final String id;
    private final long created;
    private int tokens;

    /** Makes answers to one body. */
    public PoolingAnswers(Fields fields, Served served, @Nullable String requestId, long created) {
        this.fields = fields;
        this.served = served;
        this.created = created;
        this.id = requestId != null ? requestId : "%016x".formatted(ContentHash.of(Json.bytes(fields.body())));
    }

    /** Returns the answer of {@code /v1/embeddings}. */
    public ObjectNode embeddings() {
        JsonNode input = fields.require("input");
        int dimensions = fields.integer("dimensions").orElse(DIMENSIONS);
        if (dimensions < 1) {
            throw Rejection.badParameter("dimensions must be positive, got " + dimensions + ".", "dimensions", null);
        }
        ObjectNode body = list("embd-");
        ArrayNode data = body.putArray("data");
        List<int[]> inputs = inputs(input);
        for (int i = 0; i < inputs.size(); i++) {
            ObjectNode entry = data.addObject().put("index", i).put("object", "embedding");
            float[] vector = vector(inputs.get(i), dimensions);
            if ("base64".equals(fields.string("encoding_format"))) {
                entry.put("embedding", base64(vector));
            } else {
                ArrayNode values = entry.putArray("embedding");
                for (float value : vector) {
                    values.add(value);
                }
            }
        }
        body.set("usage", usage());
        return body;
    }

    /** Returns the answer of {@code /v1/score}: one score per pair, one text against many or many against many. */
    public ObjectNode scores() {
        List<String> first = texts(fields.get("text_1") == null ? fields.require("queries") : fields.require("text_1"));
        List<String> second =
                texts(fields.get("text_2") == null ? fields.require("documents") : fields.require("text_2"));
        if (first.size() != 1 && first.size() != second.size()) {
            throw Rejection.badRequest("Input lengths must be either 1:1, 1:N or N:N");
        }
        ObjectNode body = list("score-");
        ArrayNode data = body.putArray("data");
        for (int i = 0; i < second.size(); i++) {
            double score = score(first.get(first.size() == 1 ? 0 : i), second.get(i));
            data.addObject().put("index", i).put("object", "score").put("score", score);
        }
        body.set("usage", usage());
        return body;
    }

    /** Returns the answer of {@code /v1/rerank}: documents by falling relevance. */
    public ObjectNode ranking() {
        String query = texts(fields.require("query")).getFirst();
        List<String> documents = texts(fields.require("documents"));
        List<Ranked> ranked = new ArrayList<>();
        for (int i = 0; i < documents.size(); i++) {
            ranked.add(new Ranked(i, documents.get(i), score(query, documents.get(i))));
        }
        ranked.sort(Comparator.comparingDouble(Ranked::score).reversed());
        int top = fields.integer("top_n").orElse(0);
        ObjectNode body = Json.object().put("id", "rerank-" + id).put("model", served.name());
        body.putObject("usage").put("prompt_tokens", tokens).put("total_tokens", tokens);
        ArrayNode results = body.putArray("results");
        for (Ranked entry : ranked.subList(0, top > 0 ? Math.min(top, ranked.size()) : ranked.size())) {
            ObjectNode result = results.addObject().put("index", entry.index);
            result.putObject("document").put("text", entry.text).putNull("multi_modal");
            result.put("relevance_score", entry.score);
        }
        return body;
    }

    private record Ranked(int index, String text, double score) {}

    private ObjectNode list(String idPrefix) {
        return Json.object()
                .put("id", idPrefix + id)
                .put("object", "list")
                .put("created", created)
                .put("model", served.name());
    }

    private ObjectNode usage() {
        return Json.object()
                .put("prompt_tokens", tokens)
                .put("total_tokens", tokens)
                .put("completion_tokens", 0)
                .putNull("prompt_tokens_details");
    }

    private static List<int[]> inputs(JsonNode input) {
        if (input.isString()) {
            return List.of(Tokenizer.TOY.encode(input.stringValue()));
        }
        if (!input.isArray() || input.isEmpty()) {
            throw Rejection.badRequest("input must be a text, a list of texts or token ids");
        }
        List<int[]> inputs = new ArrayList<>();
        if (input.get(0).isNumber()) {
            inputs.add(ids(input));
        } else {
            input.forEach(entry -> inputs.add(entry.isArray() ? ids(entry) : Tokenizer.TOY.encode(entry.asString(""))));
        }
        return inputs;
    }

    private static int[] ids(JsonNode list) {
        int[] ids = new int[list.size()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = list.get(i).asInt(0);
        }
        return ids;
    }

    private static List<String> texts(JsonNode input) {
        List<String> texts = new ArrayList<>();
        if (input.isArray()) {
            input.forEach(entry -> texts.add(entry.isString() ? entry.stringValue() : entry.toString()));
        } else {
            texts.add(input.asString(""));
        }
        return texts;
    }

    private double score(String first, String second) {
        int[] left = Tokenizer.TOY.encode(first);
        int[] right = Tokenizer.TOY.encode(second);
        tokens += left.length + right.length;
        long draw = ContentHash.extend(ContentHash.extend(0, left, 0, left.length), right, 0, right.length);
        return (draw >>> 11) * 0x1p-53;
    }

    private float[] vector(int[] input, int dimensions) {
        tokens += input.length;
        long content = ContentHash.extend(ContentHash.of(served.root()), input, 0, input.length);
        float[] vector = new float[dimensions];
        double square = 0;
        for (int i = 0; i < dimensions; i++) {
            vector[i] = (float) ((ContentHash.mix(content, i) >>> 11) * 0x1p-52 - 1);
            square += vector[i] * vector[i];
        }
        for (int i = 0; i < dimensions; i++) {
            vector[i] /= (float) Math.sqrt(square);
        }
        return vector;
    }

    private static String base64(float[] vector) {
        ByteBuffer bytes = ByteBuffer.allocate(vector.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : vector) {
            bytes.putFloat(value);
        }
        return Base64.getEncoder().encodeToString(bytes.array());
    }
}
