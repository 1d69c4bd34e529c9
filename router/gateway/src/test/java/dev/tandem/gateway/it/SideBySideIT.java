// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.gateway.it.RawEngine.Behaviour;
import dev.tandem.gateway.it.RawEngine.Received;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Two legs that run side by side, on the wire: who starts, who waits for whom, and who goes when the other fails. */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class SideBySideIT {
    private static final String PATH = "/v1/completions";
    private static final String PROMPT = "\"model\":\"tiny\",\"prompt\":\"" + "long prompt ".repeat(200) + "\"";
    private static final String ASK = "{" + PROMPT + "}";
    private static final String ASK_STREAM = "{\"stream\":true," + PROMPT + "}";
    private static final String TEXT = "{\"id\":\"cmpl-1\",\"choices\":[]}";
    private static final String OFFER = "{\"id\":\"cmpl-0\",\"kv_transfer_params\":{\"remote_engine_id\":\"e1\","
            + "\"remote_host\":\"127.0.0.1\",\"remote_port\":5600,\"tp_size\":2,\"pp_size\":1}}";

    private RawEngine prefill;
    private RawEngine decode;
    private GatewayRig rig;

    @BeforeAll
    void start() throws IOException {
        prefill = RawEngine.start("tiny");
        decode = RawEngine.start("tiny");
        serve();
        rig = GatewayRig.setup()
                .worker("p1", prefill.url(), Role.PREFILL)
                .worker("d1", decode.url(), Role.DECODE)
                .set("tandem.disagg.connector", "nixl-push")
                .set("tandem.engine.answer-silence", "3s")
                .set("tandem.health.failures-down", "1000000")
                .set("tandem.health.probes-up", "1")
                .start();
        forget();
    }

    @AfterAll
    void stop() throws IOException {
        rig.close();
        prefill.close();
        decode.close();
    }

    @AfterEach
    void nothingIsLeft() {
        serve();
        rig.assertNothingLeft();
        rig.awaitWorkersUp();
        forget();
    }

    private void serve() {
        prefill.on((request, wire) -> wire.json(200, OFFER));
        decode.on((request, wire) -> wire.json(200, TEXT));
    }

    private void forget() {
        prefill.clear();
        decode.clear();
    }

    private Answer ask(String body) throws IOException {
        return RawClient.post(rig.port(), PATH, body);
    }

    private static JsonNode params(Received request) {
        return JsonMapper.shared().readTree(request.text()).path("kv_transfer_params");
    }

    private static String id(Received request) {
        return request.head().header("x-request-id").orElse("none");
    }

    private static void await(CountDownLatch latch) throws InterruptedException {
        assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void bothLegsStartAndShareOneId() throws IOException {
        CountDownLatch both = new CountDownLatch(2);
        Behaviour together = (request, wire) -> {
            both.countDown();
            await(both);
            wire.json(200, request.text().contains("do_remote_decode\":true") ? OFFER : TEXT);
        };
        prefill.on(together);
        decode.on(together);

        assertThat(ask(ASK).text()).isEqualTo(TEXT);

        Received p = prefill.received().getFirst();
        Received d = decode.received().getFirst();
        assertThat(id(p)).matches("[0-9a-f]{32}").isEqualTo(id(d));
        assertThat(params(d).path("remote_request_id").asString()).isEqualTo(id(p));
        assertThat(params(d).path("remote_engine_id").asString()).isEqualTo("e1");
        assertThat(params(d).path("tp_size").asInt()).isEqualTo(2);
        assertThat(JsonMapper.shared().readTree(p.text()).path("max_tokens").asInt())
                .isOne();
    }

    @Test
    void anAttemptHasAnIdOfItsOwn() throws IOException {
        ask(ASK);
        ask(ASK);

        assertThat(decode.received()).extracting(SideBySideIT::id).doesNotHaveDuplicates();
    }

    @Test
    void decodeAnswersWithoutWaitingForPrefillsAnswerWhichIsReadToItsEnd() throws IOException {
        double before = prefillLegs();
        CountDownLatch begun = new CountDownLatch(1);
        prefill.on((request, wire) -> {
            await(begun);
            wire.json(200, OFFER);
        });
        decode.on((request, wire) -> {
            wire.stream();
            wire.chunk("data: {\"choices\":[]}\n\n");
            Poll.until("prefill has been read to its end", () -> prefillLegs() == before + 1);
            wire.chunk("data: [DONE]\n\n");
            wire.end();
        });
        try (RawClient client = RawClient.open(rig.port())) {
            client.send(PATH, ASK_STREAM).head();
            assertThat(client.event()).startsWith("data: ");
            begun.countDown();
            assertThat(client.event()).isEqualTo("data: [DONE]\n\n");
        }
    }

    @Test
    void logprobsOfThePromptAreAwaitedAndPutIntoDecodesAnswer() throws IOException {
        double before = taken();
        prefill.on(ofClients((request, wire) -> {
            Poll.until("decode has answered", () -> taken() == before + 1);
            wire.json(200, withPrompt("[null,{\"7\":{\"logprob\":-0.25}}]"));
        }));
        decode.on((request, wire) -> wire.json(200, withPrompt("null")));

        Answer answer = ask("{" + PROMPT + ",\"prompt_logprobs\":0}");

        assertThat(answer.text()).isEqualTo(withPrompt("[null,{\"7\":{\"logprob\":-0.25}}]"));
        assertThat(answer.header("x-tandem-attempts")).isEqualTo("1");
        assertThat(prefill.received())
                .extracting(Received::text)
                .filteredOn(text -> text.contains("long prompt"))
                .singleElement()
                .asString()
                .contains("\"prompt_logprobs\":0");
        assertThat(decode.received().getFirst().text()).doesNotContain("prompt_logprobs");
    }

    @ParameterizedTest
    @ValueSource(strings = {"400", "500", "reset"})
    void withoutLogprobsOfThePromptDecodesAnswerIsNoAnswer(String fault) throws IOException {
        double before = taken();
        prefill.on(ofClients((request, wire) -> {
            Poll.until("decode has answered", () -> taken() == before + 1);
            if (fault.equals("reset")) {
                wire.reset();
            } else {
                wire.json(Integer.parseInt(fault), "{}");
            }
        }));
        decode.on((request, wire) ->
                wire.json(200, withPrompt(request.text().contains("prompt_logprobs") ? "[null]" : "null")));

        Answer answer = ask("{" + PROMPT + ",\"prompt_logprobs\":0}");

        assertThat(answer.status()).as("%s", answer).isEqualTo(fault.equals("400") ? 400 : 200);
        assertThat(answer.text()).isEqualTo(fault.equals("400") ? "{}" : withPrompt("[null]"));
    }

    /** The gateway's own question for the id of the engine, asked when it has come up again, is answered at once. */
    private static Behaviour ofClients(Behaviour behaviour) {
        return (request, wire) -> {
            if (request.text().contains("long prompt")) {
                behaviour.answer(request, wire);
            } else {
                wire.json(200, OFFER);
            }
        };
    }

    private static String withPrompt(String logprobs) {
        return "{\"id\":\"cmpl-1\",\"choices\":[{\"text\":\"a\",\"prompt_logprobs\":" + logprobs + "}]}";
    }

    private double taken() {
        return rig.metric("tandem_handovers_total", "connector=\"nixl-push\",result=\"taken\"");
    }

    private double prefillLegs() {
        return rig.metric("tandem_leg_seconds_count", "leg=\"prefill\"");
    }

    @ParameterizedTest
    @ValueSource(strings = {"500", "503", "reset", "half"})
    void aFailingPrefillWorkerTakesDecodeWithItAndThePromptIsComputedWhole(String fault) throws IOException {
        prefill.on((request, wire) -> {
            switch (fault) {
                case "reset" -> wire.reset();
                case "half" -> {
                    wire.write("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"a");
                    wire.close();
                }
                default -> wire.json(Integer.parseInt(fault), "{}");
            }
        });
        decode.on((request, wire) -> {
            if (request.text().contains("remote_engine_id")) {
                wire.awaitPeerGone();
            } else {
                wire.json(200, TEXT);
            }
        });

        Answer answer = ask(ASK);

        assertThat(answer.text()).isEqualTo(TEXT);
        assertThat(answer.header("x-tandem-attempts")).isEqualTo("2");
        Poll.until(
                "the first decode leg is cancelled, or was never sent",
                () -> decode.peersGone()
                        == decode.received().stream()
                                .filter(request -> request.text().contains("remote_engine_id"))
                                .count());
    }

    @Test
    void aLegThatIsCancelledAtAnyMomentLeavesNoBadConnection() throws IOException {
        decode.on((request, wire) -> wire.json(400, "{}"));
        for (int i = 0; i < 300; i++) {
            ask(ASK);
        }
        CountDownLatch asked = new CountDownLatch(1);
        prefill.on((request, wire) -> {
            asked.countDown();
            wire.json(200, OFFER);
        });
        decode.on((request, wire) -> {
            await(asked);
            wire.json(200, TEXT);
        });

        assertThat(ask(ASK).text()).isEqualTo(TEXT);
    }

    @Test
    void silenceOfBothEndsInTime() throws IOException {
        prefill.on((request, wire) -> wire.awaitPeerGone());
        decode.on((request, wire) -> wire.awaitPeerGone());

        assertThat(ask(ASK).status()).isEqualTo(504);

        Poll.until(
                "all are cancelled",
                () -> prefill.peersGone() == prefill.received().size()
                        && decode.peersGone() == decode.received().size());
    }

    @Test
    void aDeadPrefillWorkerTakesDecodeWithIt() throws IOException {
        prefill.down();
        decode.on((request, wire) -> {
            if (request.text().contains("remote_engine_id")) {
                wire.awaitPeerGone();
            } else {
                wire.json(200, TEXT);
            }
        });
        try {
            assertThat(ask(ASK).text()).isEqualTo(TEXT);
        } finally {
            prefill.up();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"prefill", "decode"})
    void aRejectionOfEitherIsTheAnswer(String who) throws IOException {
        Behaviour rejects = (request, wire) -> wire.json(400, "{\"error\":{\"message\":\"too long\"}}");
        Behaviour waits = (request, wire) -> wire.awaitPeerGone();
        prefill.on(who.equals("prefill") ? rejects : waits);
        decode.on(who.equals("decode") ? rejects : waits);

        Answer answer = ask(ASK_STREAM);

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.text()).contains("too long");
        RawEngine waiting = who.equals("prefill") ? decode : prefill;
        Poll.until(
                "the other leg is cancelled, or was never sent",
                () -> waiting.peersGone() == waiting.received().size());
    }

    @Test
    void aFailingDecodeWorkerTakesPrefillWithIt() throws IOException {
        prefill.on((request, wire) -> {
            if (request.text().contains("do_remote_decode")) {
                wire.awaitPeerGone();
            } else {
                wire.json(200, TEXT);
            }
        });
        decode.on((request, wire) -> wire.json(500, "{}"));

        assertThat(ask(ASK).text()).isEqualTo(TEXT);

        Poll.until(
                "the prefill leg is cancelled, or was never sent",
                () -> prefill.peersGone()
                        == prefill.received().stream()
                                .filter(request -> request.text().contains("do_remote_decode"))
                                .count());
    }

    @Test
    void aClientThatLeavesTakesBothLegsWithIt() throws IOException {
        prefill.on((request, wire) -> wire.awaitPeerGone());
        decode.on((request, wire) -> wire.awaitPeerGone());
        try (RawClient client = RawClient.open(rig.port())) {
            client.send(PATH, ASK);
            Poll.until(
                    "both run",
                    () -> prefill.received().size() + decode.received().size() == 2);
        }
        Poll.until("both are cancelled", () -> prefill.peersGone() + decode.peersGone() == 2);
    }

    @Test
    void aClientThatLeavesInsideTheStreamTakesALatePrefillLegWithIt() throws IOException {
        prefill.on((request, wire) -> wire.awaitPeerGone());
        decode.on((request, wire) -> {
            wire.stream();
            wire.chunk("data: {\"choices\":[]}\n\n");
            wire.awaitPeerGone();
        });
        try (RawClient client = RawClient.open(rig.port())) {
            client.send(PATH, ASK_STREAM).head();
            assertThat(client.event()).startsWith("data: ");
            assertThat(prefill.peersGone()).isZero();
        }
        Poll.until(
                "both are cancelled, or were never sent",
                () -> prefill.peersGone() == prefill.received().size() && decode.peersGone() == 1);
    }

    @Test
    void whatPrefillDoesAfterDecodeHasBegunIsNotTheClientsBusiness() throws IOException {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch failed = new CountDownLatch(1);
        prefill.on((request, wire) -> {
            await(begun);
            wire.reset();
            failed.countDown();
        });
        decode.on((request, wire) -> {
            wire.stream();
            wire.chunk("data: {\"choices\":[]}\n\n");
            begun.countDown();
            await(failed);
            wire.chunk("data: [DONE]\n\n");
            wire.end();
        });

        Answer answer = ask(ASK_STREAM);

        assertThat(answer.text()).isEqualTo("data: {\"choices\":[]}\n\ndata: [DONE]\n\n");
        assertThat(answer.whole()).isTrue();
    }

    @Test
    void whatDecodeNeverCameForIsCounted() throws IOException {
        double before = stranded();
        CountDownLatch computed = new CountDownLatch(1);
        prefill.on((request, wire) -> {
            wire.json(200, OFFER);
            computed.countDown();
        });
        decode.on((request, wire) -> {
            await(computed);
            wire.json(503, "{}");
        });

        ask(ASK);

        assertThat(stranded()).isGreaterThan(before);
        assertThat(List.of("p1>d1")).allMatch(pair -> rig.metric("tandem_kv_stranded_seconds_sum", pair) >= 30);
    }

    private double stranded() {
        return rig.metric("tandem_kv_stranded_seconds_count", "connector=\"nixl-push\"");
    }
}
