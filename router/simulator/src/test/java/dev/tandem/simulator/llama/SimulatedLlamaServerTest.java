// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import static dev.tandem.simulator.llama.LlamaClient.act;
import static dev.tandem.simulator.llama.LlamaClient.ask;
import static dev.tandem.simulator.llama.LlamaClient.await;
import static dev.tandem.simulator.llama.LlamaClient.cached;
import static dev.tandem.simulator.llama.LlamaClient.complete;
import static dev.tandem.simulator.llama.LlamaClient.evaluated;
import static dev.tandem.simulator.llama.LlamaClient.get;
import static dev.tandem.simulator.llama.LlamaClient.json;
import static dev.tandem.simulator.llama.LlamaClient.metric;
import static dev.tandem.simulator.llama.LlamaClient.post;
import static dev.tandem.simulator.llama.LlamaClient.promptTokens;
import static dev.tandem.simulator.llama.LlamaClient.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.simulator.engine.Speed;
import dev.tandem.simulator.http.Fault;
import dev.tandem.simulator.http.RawClient;
import dev.tandem.simulator.http.RawClient.Response;
import dev.tandem.simulator.http.SeenRequest;
import dev.tandem.simulator.wire.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class SimulatedLlamaServerTest {
    @TempDir
    Path folder;

    private SimulatedLlamaServer server;

    @BeforeEach
    void start() {
        server = SimulatedLlamaServer.start(LlamaOptions.of("m", folder));
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void aRepeatedPromptFindsItsSlot() throws IOException {
        String first = text(complete(server, ask("the quick fox jumps over the river")));
        complete(server, ask("another story about planets and rockets"));
        JsonNode again = complete(server, ask("the quick fox jumps over the river"));
        assertThat(cached(again)).isEqualTo(promptTokens(again) - 1);
        assertThat(text(again)).isEqualTo(first);
    }

    @Test
    void anAnswerThatHasBegunIsGoneOnWith() throws IOException {
        String user = "{\"role\":\"user\",\"content\":\"hello\"}";
        String all = said("[" + user + "]", 8);
        String begun = all.substring(0, all.indexOf(' ', 1));

        String rest = said("[" + user + ",{\"role\":\"assistant\",\"content\":\"" + begun + "\"}]", 7);

        assertThat(begun + rest).isEqualTo(all);
        String twice = "{\"messages\":[" + user + ",{\"role\":\"assistant\",\"content\":\"a\"}"
                + ",{\"role\":\"assistant\",\"content\":\"b\"}]}";
        assertThat(LlamaClient.post(server, "/v1/chat/completions", twice).status())
                .isEqualTo(400);
    }

    private String said(String messages, int tokens) throws IOException {
        String ask = "{\"ignore_eos\":true,\"max_tokens\":" + tokens + ",\"messages\":" + messages + "}";
        return LlamaClient.json(LlamaClient.post(server, "/v1/chat/completions", ask))
                .at("/choices/0/message/content")
                .asString();
    }

    @Test
    void anUnknownPromptTakesTheSlotThatWasUsedLongestAgo() throws IOException {
        complete(server, ask("the quick fox jumps over the river", 0));
        complete(server, ask("another story about planets and rockets", 1));
        complete(server, ask("something completely different"));
        assertThat(cached(complete(server, ask("another story about planets and rockets", 1))))
                .isPositive();
        assertThat(cached(complete(server, ask("the quick fox jumps over the river", 0))))
                .isZero();
    }

    @Test
    void aConversationGoesOnInItsSlot() throws IOException {
        JsonNode first = complete(server, ask("tell a story about a river", 0));
        String longer = "tell a story about a river" + text(first) + " and then";
        JsonNode second = complete(server, ask(longer, 0));
        assertThat(cached(second)).isEqualTo(promptTokens(first) + 7);
    }

    @Test
    void withoutCachePromptEverythingIsEvaluated() throws IOException {
        complete(server, ask("hello world", 0));
        JsonNode again = complete(server, ask("hello world", 0).put("cache_prompt", false));
        assertThat(cached(again)).isZero();
        assertThat(evaluated(again)).isEqualTo(promptTokens(again));
    }

    @Test
    void theConnectionEndsBehindAStreamAndNothingSaysSo() throws IOException {
        try (RawClient client = new RawClient(server.port())) {
            Response answer = client.send(RawClient.post(
                            "/v1/completions", "{\"prompt\":\"hello\",\"max_tokens\":2,\"stream\":true}"))
                    .read();

            assertThat(answer.body()).endsWith("data: [DONE]\n\n");
            assertThat(answer.header("connection")).isEmpty();
            assertThatThrownBy(() -> client.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                            .read())
                    .isInstanceOf(IOException.class);
        }
    }

    @Test
    void aRequestForABusySlotWaits() throws IOException {
        LlamaOptions lively =
                LlamaOptions.of("m", folder).withSpeed(Speed.LIVELY).withAnswerTokens(0);
        try (SimulatedLlamaServer slow = SimulatedLlamaServer.start(lively);
                RawClient waiter = new RawClient(slow.port())) {
            try (RawClient holder = new RawClient(slow.port())) {
                holder.send(RawClient.post(
                        "/v1/completions",
                        Json.text(ask("hello", 1).put("max_tokens", 1_000).put("stream", true))));
                await(() -> slow.busySlots() == 1);
                waiter.send(RawClient.post("/v1/completions", Json.text(ask("world", 1))));
                await(() -> deferred(slow) == 1);
                assertThat(metric(slow, "requests_processing")).isEqualTo(1);
            }
            assertThat(waiter.read().status()).isEqualTo(200);
            await(() -> slow.journal().requests().getFirst().end() == SeenRequest.End.ABORTED_BY_CLIENT);
        }
    }

    private static double deferred(SimulatedLlamaServer slow) {
        try {
            return metric(slow, "requests_deferred");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void twoChoicesShareTheEvaluationOfThePrompt() throws IOException {
        JsonNode answer = complete(server, ask("hello world").put("n", 2).put("ignore_eos", true));
        assertThat(answer.path("choices").size()).isEqualTo(2);
        assertThat(answer.at("/choices/1/text")).isEqualTo(answer.at("/choices/0/text"));
        assertThat(metric(server, "prompt_tokens_total")).isEqualTo(promptTokens(answer));
        assertThat(metric(server, "tokens_predicted_total")).isEqualTo(16);
        assertThat(metric(server, "n_decode_total")).isEqualTo(8);
        assertThat(metric(server, "n_busy_slots_per_decode")).isEqualTo(2);
        Response tooMany = post(server, "/v1/completions", "{\"prompt\":\"a\",\"n\":3}");
        assertThat(tooMany.status()).isEqualTo(400);
        assertThat(tooMany.body()).contains("Field 'n': Value must be between 1 <= value <= 2, but got 3");
    }

    @Test
    void severalPromptsAreAnsweredInTheirOrder() throws IOException {
        String both = "{\"prompt\":[\"hello world\",\"winter river\",\"orange\"],\"max_tokens\":4}";
        JsonNode answer = json(post(server, "/v1/completions", both));
        assertThat(answer.path("choices").size()).isEqualTo(3);
        for (int i = 0; i < 3; i++) {
            String prompt = List.of("hello world", "winter river", "orange").get(i);
            assertThat(answer.path("choices").get(i).path("index").asInt()).isEqualTo(i);
            assertThat(answer.path("choices").get(i).path("text").asString())
                    .isEqualTo(text(complete(server, ask(prompt).put("max_tokens", 4))));
        }
    }

    @Test
    void anAnswerEndsAtAStopTextOrByItself() throws IOException {
        String whole = text(complete(server, ask("hello world").put("max_tokens", 200)));
        String stop = whole.substring(10, 16);
        JsonNode cut =
                complete(server, ask("hello world").put("max_tokens", 200).put("stop", stop));
        assertThat(text(cut)).isEqualTo(whole.substring(0, whole.indexOf(stop)));
        assertThat(cut.at("/choices/0/finish_reason").asString()).isEqualTo("stop");
        JsonNode natural = complete(server, Json.object().put("prompt", "hello world"));
        assertThat(natural.at("/choices/0/finish_reason").asString()).isEqualTo("stop");
        JsonNode endless =
                complete(server, Json.object().put("prompt", "hello world").put("ignore_eos", true));
        assertThat(endless.at("/choices/0/finish_reason").asString()).isEqualTo("length");
        assertThat(endless.at("/usage/total_tokens").asInt()).isEqualTo(2048);
    }

    @Test
    void theEventsOfAStreamMakeTheSameAnswer() throws IOException {
        String whole = text(complete(server, ask("hello world").put("max_tokens", 30)));
        for (String path : List.of("/v1/completions", "/v1/chat/completions", "/v1/messages", "/v1/responses")) {
            String body = Json.text(Json.object()
                    .put("prompt", "hello world")
                    .put("input", "hello world")
                    .put("max_tokens", 30)
                    .put("max_output_tokens", 30)
                    .put("ignore_eos", true)
                    .set("messages", Json.MAPPER.readTree("[{\"role\":\"user\",\"content\":\"hello world\"}]")));
            String expected = words(json(post(server, path, body)));
            StringBuilder streamed = new StringBuilder();
            String streaming = body.replace("\"ignore_eos\"", "\"stream\":true,\"ignore_eos\"");
            for (String event : post(server, path, streaming).body().split("\n\n", -1)) {
                if (event.isEmpty()) {
                    continue;
                }
                String data = event.substring(event.indexOf("data: ") + 6);
                streamed.append(data.equals("[DONE]") ? "" : delta(Json.MAPPER.readTree(data)));
            }
            assertThat(streamed.toString()).as(path).isNotEmpty().isEqualTo(expected);
        }
        assertThat(whole).isNotEmpty();
    }

    private static String words(JsonNode answer) {
        return answer.at("/choices/0/text").asString("")
                + answer.at("/choices/0/message/content").asString("")
                + answer.at("/content/0/text").asString("")
                + answer.at("/output/0/content/0/text").asString("");
    }

    private static String delta(JsonNode event) {
        JsonNode delta = event.path("delta");
        return event.at("/choices/0/text").asString("")
                + event.at("/choices/0/delta/content").asString("")
                + (delta.isString() ? delta.asString() : delta.path("text").asString(""));
    }

    @Test
    void requestsOutsideTheSchemaAreRefused() throws IOException {
        assertThat(post(server, "/v1/completions", "{\"prompt\":\"a\",\"max_tokens\":-3}")
                        .body())
                .contains("Field 'max_tokens': Value must be between -1 <= value <= 2147483647, but got -3");
        assertThat(post(server, "/v1/completions", "{\"prompt\":\"a\",\"stream\":\"yes\"}")
                        .body())
                .contains("Field 'stream': [json.exception.type_error.302] type must be boolean, but is string");
        assertThat(post(server, "/v1/chat/completions", "{}").status()).isEqualTo(400);
        assertThat(post(server, "/v1/completions", "").status()).isEqualTo(400);
        assertThat(get(server, "/v1/completions").status()).isEqualTo(404);
    }

    @Test
    void aKeyGuardsAllButTheProbes() throws IOException {
        try (SimulatedLlamaServer guarded =
                SimulatedLlamaServer.start(LlamaOptions.of("m", folder).withApiKey("secret"))) {
            assertThat(get(guarded, "/health").status()).isEqualTo(200);
            assertThat(get(guarded, "/v1/models").status()).isEqualTo(200);
            assertThat(get(guarded, "/props").status()).isEqualTo(401);
            try (RawClient client = new RawClient(guarded.port())) {
                String request =
                        RawClient.post("/v1/completions", Json.text(ask("hello")), "Authorization: Bearer secret\r\n");
                assertThat(client.send(request).read().status()).isEqualTo(200);
            }
        }
    }

    @Test
    void faultsHaveTheShapesOfLlamaServer() throws IOException {
        server.faults().add(Fault.of(Fault.Kind.STATUS).status(503).retryAfter("2"));
        Response error = post(server, "/v1/completions", Json.text(ask("hello")));
        assertThat(error.status()).isEqualTo(503);
        assertThat(error.header("retry-after")).isEqualTo("2");
        assertThat(error.body()).contains("{\"error\":{\"code\":503,\"message\":\"simulated fault\"");
        server.faults().add(Fault.of(Fault.Kind.HEALTH_DOWN));
        assertThat(get(server, "/health").body())
                .isEqualTo("{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}");
        server.faults().add(Fault.of(Fault.Kind.ERROR_EVENT).after(2));
        String stream = post(server, "/v1/completions", Json.text(ask("hello").put("stream", true)))
                .body();
        assertThat(stream.split("\n\n")).hasSize(3);
        assertThat(stream).endsWith("\"type\":\"server_error\"}}\n\n");
        assertThat(server.journal().requests().getLast().end()).isEqualTo(SeenRequest.End.BROKEN_BY_FAULT);
        server.faults()
                .respondWith("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi".getBytes(StandardCharsets.UTF_8), 5);
        assertThat(post(server, "/v1/completions", "{}").body()).isEqualTo("hi");
    }

    @Test
    void aRestartedServerHasForgottenItsSlots() throws IOException {
        complete(server, ask("hello world", 0));
        assertThat(act(server, 0, "save", "a.bin").status()).isEqualTo(200);
        String before = server.engineId();
        server.restart();
        assertThat(server.engineId()).isNotEqualTo(before);
        assertThat(server.slotTokens()).containsOnly(0);
        assertThat(act(server, 0, "restore", "a.bin").status()).isEqualTo(200);
        assertThat(evaluated(complete(server, ask("hello world", 0)))).isEqualTo(1);
    }

    @Test
    void slotsShowWhatTheyHoldOnceTheyHaveServed() throws IOException {
        JsonNode answer = complete(server, ask("hello world", 0).put("ignore_eos", true));
        JsonNode slots = json(get(server, "/slots"));
        assertThat(slots.get(0).path("n_prompt_tokens").asInt()).isEqualTo(promptTokens(answer) + 7);
        assertThat(slots.get(0).at("/params/n_predict").asInt()).isEqualTo(8);
        assertThat(slots.get(0).at("/next_token/0/n_remain").asInt()).isEqualTo(-1);
        assertThat(slots.get(1).has("id_task")).isFalse();
    }

    @Test
    void averagesCoverTheTimeSinceTheLatestScrape() throws IOException {
        complete(server, ask("hello world", 0));
        assertThat(metric(server, "prompt_tokens_seconds")).isPositive();
        assertThat(metric(server, "prompt_tokens_seconds")).isZero();
    }

    @Test
    void onlyTheMessagesApiLosesTheSlot() throws IOException {
        String messages = "\"max_tokens\":4,\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}";
        post(server, "/v1/messages", "{\"id_slot\":1," + messages);
        assertThat(server.slotTokens().get(1)).isZero();
        post(server, "/v1/chat/completions", "{\"id_slot\":1," + messages);
        assertThat(server.slotTokens().get(1)).isPositive();
        post(server, "/slots/1?action=erase", "");
        post(server, "/v1/responses", "{\"id_slot\":1,\"input\":\"hello\",\"max_output_tokens\":4}");
        assertThat(server.slotTokens().get(1)).isPositive();
    }

    @Test
    void anEmptyPromptIsAnsweredWithNothing() throws IOException {
        JsonNode answer = complete(server, ask("").put("n", 2));
        assertThat(answer.path("choices").size()).isEqualTo(2);
        assertThat(answer.at("/usage/total_tokens").asInt()).isZero();
        assertThat(answer.at("/timings/prompt_ms").asDouble()).isZero();
    }

    @Test
    void aHeadRequestHasNoBody() throws IOException {
        try (RawClient client = new RawClient(server.port())) {
            Response head = RawClient.read(client.send("HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n").stream(), true);
            assertThat(head.status()).isEqualTo(200);
            assertThat(client.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                            .read()
                            .body())
                    .isEqualTo("{\"status\":\"ok\"}");
        }
    }

    @Test
    void theAdminEndpointsShowTheJournal() throws IOException {
        complete(server, ask("hello", 0));
        assertThat(json(get(server, "/sim/journal")).at("/requests/0/path").asString())
                .isEqualTo("/v1/completions");
    }

    @Test
    void theJournalTellsWhenTheFirstTokenWasThere() throws IOException {
        complete(server, ask("the quick fox jumps over the river", 0));
        JsonNode again = complete(server, ask("the quick fox jumps over the river", 0));
        JsonNode first = json(get(server, "/sim/journal")).at("/requests/1/first_token");
        assertThat(first.path("at_ns").asLong())
                .isGreaterThan(first.path("queued_ns").asLong());
        assertThat(first.path("ready_ns").asLong())
                .isEqualTo(first.path("queued_ns").asLong())
                .isPositive();
        assertThat(first.path("cached_tokens").asInt()).isEqualTo(cached(again)).isPositive();
    }
}
