// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it.real;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.openai.client.OpenAIClient;
import com.openai.client.OpenAIClient.WithRawResponse;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.ObjectMappers;
import com.openai.core.http.Headers;
import com.openai.core.http.HttpResponseFor;
import com.openai.core.http.StreamResponse;
import com.openai.errors.OpenAIException;
import com.openai.errors.OpenAIInvalidDataException;
import com.openai.errors.OpenAIServiceException;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.responses.ResponseCreateParams;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Sends every case with OpenAI's Java SDK, unchanged, and notes what the SDK made of the answer, one line of JSON per
 * case in the form that {@code scripts/e2e/compare.py} reads. Confined to one thread.
 */
final class SdkRecorder implements AutoCloseable {
    private static final JsonMapper JSON = ObjectMappers.jsonMapper();
    private static final Set<String> APIS = Set.of("completions", "chat", "responses", "models");

    private final OpenAIClient client;
    private final boolean reconnects;

    /**
     * Makes a recorder.
     *
     * @param server root address
     * @param reconnects whether a case is sent once more when its connection broke: an engine may close an idle
     *     connection in the moment in which it is used again
     */
    SdkRecorder(String server, boolean reconnects) {
        this.reconnects = reconnects;
        this.client = OpenAIOkHttpClient.builder()
                .baseUrl(server + "/v1")
                .apiKey("none")
                .maxRetries(0)
                .timeout(Duration.ofMinutes(2))
                .build();
    }

    /** Sends the cases of the file that this SDK has a method for; returns their number. */
    int record(Path cases, Path records) throws IOException {
        List<String> lines = new ArrayList<>();
        for (JsonNode one : JSON.readTree(cases.toFile())) {
            if (APIS.contains(one.get("api").asText())) {
                ObjectNode line = JSON.createObjectNode()
                        .put("sdk", "openai-java")
                        .put("case", one.get("name").asText());
                observe(one, line);
                if (reconnects
                        && "OpenAIIoException".equals(line.at("/error/class").asText())) {
                    line.remove(List.of("error", "headers", "chunks"));
                    observe(one, line);
                }
                lines.add(JSON.writeValueAsString(line));
            }
        }
        Files.write(records, lines);
        return lines.size();
    }

    private void observe(JsonNode one, ObjectNode line) throws JsonProcessingException {
        JsonNode body = one.path("body");
        try {
            if (body.path("stream").asBoolean()) {
                stream(one.get("api").asText(), body, line);
            } else {
                answer(one.get("api").asText(), body, line);
            }
        } catch (OpenAIException e) {
            line.set("error", error(e));
            if (!line.has("headers") && e instanceof OpenAIServiceException service) {
                line.set("headers", headers(service.headers()));
            }
        }
    }

    private void answer(String api, JsonNode body, ObjectNode line) throws JsonProcessingException {
        try (HttpResponseFor<?> response = create(api, body)) {
            line.set("headers", headers(response.headers()));
            if (!api.equals("models")) {
                line.set("answer", JSON.valueToTree(response.parse()));
                return;
            }
            // A page of the SDK refers to the client that made it; what came is in its items.
            response.parse();
            line.set("answer", JSON.valueToTree(client.models().list().items()));
        }
    }

    private void stream(String api, JsonNode body, ObjectNode line) throws JsonProcessingException {
        ArrayNode chunks = JSON.createArrayNode();
        try (HttpResponseFor<? extends StreamResponse<?>> response = createStreaming(api, body)) {
            line.set("headers", headers(response.headers()));
            line.set("chunks", chunks);
            try (StreamResponse<?> stream = response.parse()) {
                stream.stream().forEach(chunk -> chunks.add(JSON.<JsonNode>valueToTree(chunk)));
            }
        }
    }

    @SuppressWarnings("MustBeClosedChecker") // the caller closes it
    private HttpResponseFor<?> create(String api, JsonNode body) throws JsonProcessingException {
        WithRawResponse raw = client.withRawResponse();
        return switch (api) {
            case "completions" -> raw.completions().create(completion(body));
            case "chat" -> raw.chat().completions().create(chat(body));
            case "responses" -> raw.responses().create(response(body));
            default -> raw.models().list();
        };
    }

    @SuppressWarnings("MustBeClosedChecker") // the caller closes it
    private HttpResponseFor<? extends StreamResponse<?>> createStreaming(String api, JsonNode body)
            throws JsonProcessingException {
        WithRawResponse raw = client.withRawResponse();
        return switch (api) {
            case "completions" -> raw.completions().createStreaming(completion(body));
            case "chat" -> raw.chat().completions().createStreaming(chat(body));
            default -> raw.responses().createStreaming(response(body));
        };
    }

    private static CompletionCreateParams completion(JsonNode body) throws JsonProcessingException {
        return CompletionCreateParams.builder()
                .body(JSON.treeToValue(body, CompletionCreateParams.Body.class))
                .build();
    }

    private static ChatCompletionCreateParams chat(JsonNode body) throws JsonProcessingException {
        return ChatCompletionCreateParams.builder()
                .body(JSON.treeToValue(body, ChatCompletionCreateParams.Body.class))
                .build();
    }

    private static ResponseCreateParams response(JsonNode body) throws JsonProcessingException {
        return ResponseCreateParams.builder()
                .body(JSON.treeToValue(body, ResponseCreateParams.Body.class))
                .build();
    }

    private static ObjectNode error(OpenAIException error) {
        ObjectNode seen = JSON.createObjectNode()
                .put("class", error.getClass().getSimpleName())
                .put("message", String.valueOf(error.getMessage()));
        if (error instanceof OpenAIServiceException service) {
            seen.put("status_code", service.statusCode())
                    .put("code", text(service::code))
                    .put("param", text(service::param))
                    .put("type", text(service::type));
            seen.set("body", JSON.valueToTree(service.body()));
        }
        return seen;
    }

    /** What an accessor of the SDK says, which throws when the engine sent a number where OpenAI has a text. */
    private static @Nullable String text(Supplier<Optional<String>> accessor) {
        try {
            return accessor.get().orElse(null);
        } catch (OpenAIInvalidDataException e) {
            return "not a text";
        }
    }

    private static ObjectNode headers(Headers headers) {
        ObjectNode seen = JSON.createObjectNode();
        for (String name : headers.names()) {
            seen.put(name, String.join(", ", headers.values(name)));
        }
        return seen;
    }

    @Override
    public void close() {
        client.close();
    }
}
