// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.simulator.engine.EngineCounter;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.SimulatedEngine;
import dev.tandem.simulator.nixl.NixlConfig;
import dev.tandem.simulator.transfer.KvRole;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Conversations, whose turns the prefill engine reads from the decode engine that answered the last one. The engines
 * are strict: they refuse another history, a second use and half an object.
 */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class TurnsIT {
    private static final String CHAT = "/v1/chat/completions";
    private static final JsonMapper JSON = JsonMapper.shared();

    private SimulatedEngine prefill;
    private SimulatedEngine decode;
    private SimulatedEngine alone;
    private GatewayRig rig;
    private String name = "";

    @BeforeAll
    void start() {
        prefill = SimulatedEngine.start(options(KvRole.PRODUCER));
        decode = SimulatedEngine.start(options(KvRole.CONSUMER));
        alone = SimulatedEngine.start(EngineOptions.of("tiny", 0));
        rig = GatewayRig.setup()
                .worker("p1", prefill.baseUrl(), Role.PREFILL)
                .worker("d1", decode.baseUrl(), Role.DECODE)
                .set("tandem.disagg.connector", "nixl")
                .set("tandem.disagg.reuse-turns", "true")
                .set("tandem.disagg.min-prompt-tokens", "16")
                .set("tandem.health.probes-up", "1")
                .start();
    }

    private static EngineOptions options(KvRole role) {
        return EngineOptions.of("tiny", 0)
                .withNixl(NixlConfig.of(role)
                        .withSideChannel("127.0.0.1", 0)
                        .withTurns(new NixlConfig.Turns(Duration.ofMinutes(1), 16)));
    }

    @BeforeEach
    void nameTheConversation(TestInfo test) {
        name = test.getTestMethod().orElseThrow().getName()
                + test.getDisplayName().hashCode();
    }

    @AfterEach
    void nothingIsLeft() {
        rig.assertNothingLeft();
        assertThat(prefill.journal().violations()).isEmpty();
        assertThat(decode.journal().violations()).isEmpty();
    }

    @AfterAll
    void stop() {
        List.of(prefill, decode, alone).forEach(SimulatedEngine::close);
        rig.close();
    }

    private ObjectNode chat() {
        ObjectNode body = JSON.createObjectNode().put("temperature", 0).put("max_tokens", 60);
        body.put("ignore_eos", true);
        body.putArray("messages").addObject().put("role", "user").put("content", name + " word".repeat(60));
        return body;
    }

    /** Returns the chat with what was answered and one more message. */
    private static ObjectNode next(ObjectNode chat, String answer) {
        ObjectNode longer = chat.deepCopy();
        ArrayNode messages = (ArrayNode) longer.get("messages");
        messages.addObject().put("role", "assistant").put("content", answer);
        messages.addObject().put("role", "user").put("content", "and then, what about it");
        return longer;
    }

    private Answer ask(ObjectNode chat, String... headers) throws IOException {
        Answer answer = RawClient.post(rig.port(), CHAT, chat.toString(), headers);
        assertThat(answer.status()).as("%s", answer).isEqualTo(200);
        return answer;
    }

    private Answer say(ObjectNode chat) throws IOException {
        return ask(chat, "x-session-id: " + name);
    }

    private String said(ObjectNode chat) throws IOException {
        return Streams.text(RawClient.post(alone.port(), CHAT, chat.toString()));
    }

    private double turns(String result) {
        return rig.metric("tandem_turns_total", "turn=\"" + result + "\"");
    }

    private long read() {
        return prefill.stats().count(EngineCounter.PROMPT_EXTERNAL);
    }

    @Test
    void everyTurnReadsTheLastOneAndAnswersAsOneEngine() throws IOException {
        double before = turns("read");
        int held = decode.stats().kept();
        ObjectNode chat = chat();
        for (int turn = 0; turn < 5; turn++) {
            long read = read();
            String answer = Streams.text(say(chat));

            assertThat(answer).as("turn %d", turn).isEqualTo(said(chat));
            assertThat(read() > read).as("turn %d read", turn).isEqualTo(turn > 0);
            chat = next(chat, answer);
        }
        assertThat(turns("read") - before).isEqualTo(4);
        Poll.until(() -> "kept: " + decode.stats().kept(), () -> decode.stats().kept() <= held + 1);
    }

    @Test
    void completionsOfIdsNeedNoTokenizer() throws IOException {
        ObjectNode body = JSON.createObjectNode().put("temperature", 0).put("max_tokens", 40);
        body.put("ignore_eos", true).put("return_token_ids", true).put("conversation_id", name);
        ArrayNode prompt = body.putArray("prompt");
        for (int i = 0; i < 80; i++) {
            prompt.add(100 + i * 3 % 71);
        }
        int asked = prefill.journal().requests("/tokenize").size();
        JsonNode first = JSON.readTree(
                RawClient.post(rig.port(), "/v1/completions", body.toString()).text());
        prompt.addAll((ArrayNode) first.at("/choices/0/token_ids"));
        prompt.add(200);
        long read = read();

        Answer second = RawClient.post(rig.port(), "/v1/completions", body.toString());

        assertThat(Streams.text(second))
                .isEqualTo(Streams.text(RawClient.post(alone.port(), "/v1/completions", body.toString())));
        assertThat(read()).isGreaterThan(read);
        assertThat(prefill.journal().requests("/tokenize")).hasSize(asked);
    }

    @Test
    void theClientSeesNeitherIdsNorAddresses() throws IOException {
        Answer answer = say(chat());

        assertThat(decode.journal().requests(CHAT).getLast().bodyText()).contains("\"return_token_ids\":true");
        JsonNode shown = JSON.readTree(answer.text());
        JsonNode whole = JSON.readTree(
                RawClient.post(alone.port(), CHAT, chat().toString()).text());
        assertThat(shown.get("choices")).isEqualTo(whole.get("choices"));
        assertThat(shown.get("prompt_token_ids")).isEqualTo(whole.get("prompt_token_ids"));
        assertThat(answer.text()).doesNotContain("remote_block_ids");
    }

    @Test
    void theClientSeesIdsThatItAsksFor() throws IOException {
        ObjectNode chat = chat().put("return_token_ids", true);

        JsonNode shown = JSON.readTree(say(chat).text());
        assertThat(shown.path("prompt_token_ids").size()).isPositive();
        assertThat(shown.at("/choices/0/token_ids").size()).isEqualTo(60);
    }

    @Test
    void anotherHistoryIsComputed() throws IOException {
        double before = turns("changed");
        ObjectNode chat = chat();
        say(chat);
        long read = read();

        ObjectNode changed = next(chat, "something that was never said ".repeat(10));
        assertThat(Streams.text(say(changed))).isEqualTo(said(changed));
        assertThat(read()).isEqualTo(read);
        assertThat(turns("changed") - before).isEqualTo(1);
    }

    @Test
    void othersDoNotReadIt() throws IOException {
        ObjectNode chat = chat();
        ObjectNode longer = next(chat, Streams.text(ask(chat, "x-session-id: " + name, "authorization: Bearer a")));
        long read = read();

        ask(longer, "x-session-id: " + name, "authorization: Bearer b");
        ask(longer, "x-session-id: other" + name, "authorization: Bearer a");
        ask(longer);
        assertThat(read()).isEqualTo(read);
    }

    @ParameterizedTest
    @ValueSource(strings = {"documents", "response_format", "cache_salt"})
    void whatTheTokenizerWouldNotBeToldIsNotLookedFor(String field) throws IOException {
        ObjectNode chat = chat();
        ObjectNode longer = next(chat, Streams.text(say(chat)));
        double kept = turns("kept");
        long read = read();
        switch (field) {
            case "documents" -> longer.putArray(field);
            case "cache_salt" -> longer.put(field, "mine");
            default -> longer.putObject(field).put("type", "text");
        }

        say(longer);
        assertThat(read()).isEqualTo(read);
        assertThat(turns("kept")).isEqualTo(kept);
    }

    @Test
    void streamsAreServedAsEver() throws IOException {
        double kept = turns("kept");
        ObjectNode chat = chat().put("stream", true);

        Answer answer = say(chat);
        assertThat(Streams.text(answer)).isEqualTo(said(chat()));
        assertThat(answer.text()).doesNotContain("\"token_ids\":[");
        assertThat(turns("kept")).isEqualTo(kept);
    }

    @Test
    void aRestartedEngineIsNotReadFrom() throws IOException {
        double unread = turns("unread");
        ObjectNode chat = chat();
        ObjectNode longer = next(chat, Streams.text(say(chat)));
        decode.crash();
        Poll.until(() -> "down", () -> rig.metric("tandem_worker_up", "d1") == 0);
        decode.restart();
        rig.awaitWorkersUp();

        assertThat(Streams.text(say(longer))).isEqualTo(said(longer));
        assertThat(turns("unread") - unread).isEqualTo(1);
    }

    @Test
    void manyConversationsAtATime() throws Exception {
        List<Thread> clients = new ArrayList<>();
        List<Throwable> wrong = Collections.synchronizedList(new ArrayList<>());
        for (int i = 0; i < 8; i++) {
            String session = name + i;
            clients.add(Thread.startVirtualThread(() -> {
                try {
                    converse(session);
                } catch (IOException | AssertionError e) {
                    wrong.add(e);
                }
            }));
        }
        for (Thread client : clients) {
            client.join();
        }
        assertThat(wrong).isEmpty();
    }

    private void converse(String session) throws IOException {
        ObjectNode chat = chat();
        for (int turn = 0; turn < 4; turn++) {
            String answer = Streams.text(ask(chat, "x-session-id: " + session));
            assertThat(answer).isEqualTo(said(chat));
            chat = next(chat, answer);
        }
    }
}
