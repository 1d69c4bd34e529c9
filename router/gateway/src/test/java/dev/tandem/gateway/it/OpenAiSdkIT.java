// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.InternalServerException;
import com.openai.errors.NotFoundException;
import com.openai.errors.OpenAIIoException;
import com.openai.errors.OpenAIServiceException;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.embeddings.CreateEmbeddingResponse;
import com.openai.models.embeddings.EmbeddingCreateParams;
import com.openai.models.models.Model;
import dev.tandem.core.fleet.Role;
import dev.tandem.simulator.engine.Speed;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.Fault;
import dev.tandem.simulator.http.SeenRequest;
import dev.tandem.simulator.http.SimulatedEngine;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** OpenAI's own Java SDK, unchanged, against the gateway in front of a prefill and a decode engine. */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class OpenAiSdkIT {
    private static final String MODEL = "tiny";
    private static final String PROMPT = "Tell a long story of a fox that crosses a river. ".repeat(40);
    private static final String CHAT = "/v1/chat/completions";

    private SimulatedEngine prefill;
    private SimulatedEngine decode;
    private GatewayRig rig;
    private OpenAIClient client;

    @BeforeAll
    void start(@TempDir Path store) {
        prefill = SimulatedEngine.start(EngineOptions.of(MODEL, 0).withStore(store));
        decode = SimulatedEngine.start(EngineOptions.of(MODEL, 0)
                .withStore(store)
                .withMaxModelLength(16_384)
                .withAnswerTokens(0)
                .withSpeed(Speed.LIVELY));
        rig = GatewayRig.setup()
                .worker("p1", prefill.baseUrl(), Role.PREFILL)
                .worker("d1", decode.baseUrl(), Role.DECODE)
                .set("tandem.health.failures-down", "1000000")
                .start();
        client = client(Duration.ofSeconds(30));
    }

    @AfterAll
    void stop() {
        client.close();
        prefill.close();
        decode.close();
        rig.close();
    }

    @AfterEach
    void nothingIsLeft() {
        rig.assertNothingLeft();
        for (SimulatedEngine engine : List.of(prefill, decode)) {
            engine.faults().clear();
            engine.journal().clear();
        }
    }

    private OpenAIClient client(Duration timeout) {
        return OpenAIOkHttpClient.builder()
                .baseUrl(rig.baseUrl() + "/v1")
                .apiKey("sk-anything")
                .maxRetries(0)
                .timeout(timeout)
                .build();
    }

    @Test
    void completion() {
        Completion completion = client.completions()
                .create(CompletionCreateParams.builder()
                        .model(MODEL)
                        .prompt(PROMPT)
                        .maxTokens(16)
                        .build());

        assertThat(completion.model()).isEqualTo(MODEL);
        assertThat(completion.choices())
                .singleElement()
                .satisfies(choice -> assertThat(choice.text()).isNotBlank());
        assertThat(completion.usage()).hasValueSatisfying(usage -> {
            assertThat(usage.completionTokens()).isEqualTo(16);
            assertThat(usage.promptTokensDetails().flatMap(details -> details.cachedTokens()))
                    .as("nobody had computed the prompt before")
                    .hasValue(0L);
        });
        Poll.until(
                "the decode engine finds what the prefill engine computed",
                () -> rig.metric("tandem_cached_tokens_total") > 0);
        assertThat(prefill.journal().requests("/v1/completions")).hasSize(1);
        assertThat(decode.journal().requests("/v1/completions")).hasSize(1);
    }

    @Test
    void aChatSaysTheSameWhetherItIsStreamedOrNot() {
        ChatCompletion whole = client.chat().completions().create(chat(24).build());
        String streamed;
        List<ChatCompletionChunk> chunks;
        try (StreamResponse<ChatCompletionChunk> stream = client.chat()
                .completions()
                .createStreaming(chat(24).streamOptions(ChatCompletionStreamOptions.builder()
                                .includeUsage(true)
                                .build())
                        .build())) {
            chunks = stream.stream().toList();
            streamed = chunks.stream()
                    .flatMap(chunk -> chunk.choices().stream())
                    .flatMap(choice -> choice.delta().content().stream())
                    .collect(Collectors.joining());
        }

        assertThat(whole.choices())
                .singleElement()
                .satisfies(choice -> assertThat(choice.message().content()).contains(streamed));
        assertThat(streamed).isNotBlank();
        assertThat(chunks.getLast().usage())
                .hasValueSatisfying(
                        usage -> assertThat(usage.completionTokens()).isEqualTo(24));
    }

    @Test
    void models() {
        assertThat(client.models().list().autoPager().stream().map(Model::id)).containsExactly(MODEL);
    }

    @Test
    void embeddings() {
        CreateEmbeddingResponse response = client.embeddings()
                .create(EmbeddingCreateParams.builder()
                        .model(MODEL)
                        .input("a fox")
                        .build());

        assertThat(response.data())
                .singleElement()
                .satisfies(embedding -> assertThat(embedding.embedding()).isNotEmpty());
        assertThat(response.usage().promptTokens()).isPositive();
    }

    @Test
    void anUnknownModelIsNotFound() {
        assertThatThrownBy(() -> client.chat()
                        .completions()
                        .create(chat(4).model("no-such-model").build()))
                .isInstanceOfSatisfying(NotFoundException.class, error -> {
                    assertThat(error.code()).contains("model_not_found");
                    assertThat(error.type()).contains("invalid_request_error");
                });
    }

    @Test
    void whatTheEngineRejectsIsABadRequest() {
        assertThatThrownBy(() -> client.chat()
                        .completions()
                        .create(chat(4).putAdditionalBodyProperty("temperature", JsonValue.from(-7))
                                .build()))
                .isInstanceOf(BadRequestException.class);
    }

    @Test
    void aFailingEngineIsAServerError() {
        for (SimulatedEngine engine : List.of(prefill, decode)) {
            engine.faults().add(Fault.of(Fault.Kind.STATUS).on(CHAT).times(0));
        }

        assertThatThrownBy(() -> client.chat().completions().create(chat(4).build()))
                .isInstanceOfSatisfying(InternalServerException.class, error -> {
                    assertThat(error.statusCode()).isEqualTo(502);
                    assertThat(error.code()).contains("engine_error");
                });
    }

    @Test
    void aStreamThatBreaksOffIsAnError() {
        decode.faults().add(Fault.of(Fault.Kind.TRUNCATE).on(CHAT).after(3));

        assertThatThrownBy(() -> {
                    try (StreamResponse<ChatCompletionChunk> stream =
                            client.chat().completions().createStreaming(chat(24).build())) {
                        stream.stream().forEach(chunk -> {});
                    }
                })
                .isInstanceOf(OpenAIServiceException.class)
                .hasMessageContaining("worker");
    }

    @Test
    void aClientThatRunsOutOfPatienceEndsItsRequest() {
        decode.faults().add(Fault.of(Fault.Kind.DELAY).on(CHAT).pause(Duration.ofMinutes(5)));
        OpenAIClient hasty = client(Duration.ofMillis(500));
        try {
            assertThatThrownBy(() -> hasty.chat().completions().create(chat(4).build()))
                    .isInstanceOf(OpenAIIoException.class);
        } finally {
            hasty.close();
        }
        awaitAbort();
    }

    @Test
    void aStreamThatIsClosedEndsItsRequest() {
        // 12 ms per token: the stream would last two minutes
        try (StreamResponse<ChatCompletionChunk> stream =
                client.chat().completions().createStreaming(chat(10_000).build())) {
            assertThat(stream.stream().findFirst()).isPresent();
        }
        awaitAbort();
    }

    private void awaitAbort() {
        Poll.until(() -> "aborted: " + decode.journal().requests(CHAT), () -> {
            List<SeenRequest> seen = decode.journal().requests(CHAT);
            return seen.size() == 1 && seen.getFirst().end() == SeenRequest.End.ABORTED_BY_CLIENT;
        });
    }

    private static ChatCompletionCreateParams.Builder chat(long tokens) {
        return ChatCompletionCreateParams.builder()
                .model(MODEL)
                .addSystemMessage("You are a fox.")
                .addUserMessage(PROMPT)
                .maxCompletionTokens(tokens);
    }
}
