// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.core.request.ApiKind;
import dev.tandem.gateway.it.RandomRequests.Made;
import dev.tandem.gateway.it.RawClient.Answer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;

/** A thousand random requests: engines get the client's bytes and clients get the engine's. */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@SuppressWarnings("StringConcatToTextBlock") // HTTP and event streams are read best as they are on the wire
final class ByteExactIT {
    private static final int REQUESTS = 500;
    private static final long SEED = Long.getLong("tandem.test.seed", 20_261_121L);

    private RawEngine prefill;
    private RawEngine decode;
    private GatewayRig unified;
    private GatewayRig pair;

    @BeforeAll
    void start() throws IOException {
        prefill = RawEngine.start("tiny");
        decode = RawEngine.start("tiny");
        unified = GatewayRig.setup().worker("u1", decode.url(), Role.UNIFIED).start();
        pair = GatewayRig.setup()
                .worker("p1", prefill.url(), Role.PREFILL)
                .worker("d1", decode.url(), Role.DECODE)
                .start();
        prefill.on((request, wire) -> wire.json(200, "{}"));
    }

    @AfterAll
    void stop() throws IOException {
        unified.close();
        pair.close();
        prefill.close();
        decode.close();
    }

    @AfterEach
    void nothingIsLeft() {
        unified.assertNothingLeft();
        pair.assertNothingLeft();
    }

    @Test
    void throughOneWorker() throws IOException {
        assertThat(exchange(unified, SEED)).isZero();
    }

    @Test
    void throughPrefillAndDecode() throws IOException {
        assertThat(exchange(pair, SEED + 1)).as("prefill legs").isGreaterThan(REQUESTS / 10);
    }

    /** Runs the requests and returns how many had a prefill leg. */
    private int exchange(GatewayRig rig, long seed) throws IOException {
        RandomRequests requests = new RandomRequests(seed);
        RandomGenerator random = new Random(seed);
        int prefills = 0;
        try (RawClient client = RawClient.open(rig.port())) {
            for (int i = 0; i < REQUESTS; i++) {
                Made made = requests.next();
                String which = "seed=" + seed + " request=" + i + " " + made.api();
                Reply reply = Reply.random(random, made);
                decode.on((request, wire) -> reply.write(wire));
                prefill.clear();
                decode.clear();

                Answer answer = client.send(made.api().path(), made.text()).read();

                assertThat(answer.status()).as(which + "\n" + answer).isEqualTo(reply.status);
                assertThat(answer.bytes()).as(which).isEqualTo(reply.body);
                assertThat(answer.whole()).as(which).isTrue();
                assertThat(decode.received()).as(which).hasSize(1);
                assertDecodeLeg(which, made, decode.received().getFirst());
                boolean split = answer.find("x-tandem-prefill").isPresent();
                assertThat(prefill.received()).as(which).hasSize(split ? 1 : 0);
                if (split) {
                    prefills++;
                    assertThat(List.copyOf(TopLevel.members(
                                            prefill.received().getFirst().text())
                                    .entrySet()))
                            .as(which)
                            .isEqualTo(List.copyOf(computeOnly(made).entrySet()));
                }
            }
        }
        return prefills;
    }

    private static void assertDecodeLeg(String which, Made made, RawEngine.Received seen) {
        assertThat(seen.path()).as(which).isEqualTo(made.api().path());
        if (made.members().keySet().stream().noneMatch(RandomRequests.CONTROL::contains)) {
            assertThat(seen.text()).as(which).isEqualTo(made.text());
        } else {
            assertThat(List.copyOf(TopLevel.members(seen.text()).entrySet()))
                    .as(which)
                    .isEqualTo(List.copyOf(allowed(made).entrySet()));
        }
    }

    private static Map<String, String> allowed(Made made) {
        Map<String, String> allowed = new LinkedHashMap<>(made.members());
        RandomRequests.CONTROL.forEach(allowed::remove);
        return allowed;
    }

    /** What a prefill leg must look like: the client's spelling but for the fields that make it compute one token. */
    private static Map<String, String> computeOnly(Made made) {
        Map<String, String> leg = allowed(made);
        leg.put("stream", "false");
        List.of("stream_options", "min_tokens", "best_of", "logprobs", "top_logprobs", "echo")
                .forEach(leg::remove);
        leg.replace("n", "1");
        if (made.api() == ApiKind.RESPONSES) {
            leg.put("max_output_tokens", "1");
            leg.replace("background", "false");
            leg.put("store", "false");
        } else {
            leg.put("max_tokens", "1");
        }
        if (made.api() == ApiKind.CHAT) {
            leg.replace("max_completion_tokens", "1");
        }
        return leg;
    }

    /** An answer of an engine and the segments in which it leaves. */
    private static final class Reply {
        private final int status;
        private final byte[] body;
        private final byte[] wire;
        private final boolean closes;
        private final RandomGenerator random;

        private Reply(int status, byte[] body, byte[] wire, boolean closes, RandomGenerator random) {
            this.status = status;
            this.body = body;
            this.wire = wire;
            this.closes = closes;
            this.random = random;
        }

        private static Reply random(RandomGenerator random, Made made) {
            int status = random.nextInt(6) == 0 ? List.of(400, 404, 422).get(random.nextInt(3)) : 200;
            boolean events = made.streaming() && status == 200;
            byte[] body = events ? events(random, made.api()) : bytes(random);
            int framing = random.nextInt(8);
            String head = "HTTP/1.1 " + status + " Whatever\r\ncontent-type: "
                    + (events ? "text/event-stream" : "application/json") + "\r\n";
            ByteArrayOutputStream wire = new ByteArrayOutputStream();
            if (framing == 0) {
                wire.writeBytes((head + "connection: close\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
                wire.writeBytes(body);
            } else if (framing < 4 && !events) {
                wire.writeBytes(
                        (head + "content-length: " + body.length + "\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
                wire.writeBytes(body);
            } else {
                wire.writeBytes((head + "transfer-encoding: chunked\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
                chunks(random, body, wire);
            }
            return new Reply(status, body, wire.toByteArray(), framing == 0, random);
        }

        private static byte[] bytes(RandomGenerator random) {
            byte[] bytes = new byte[random.nextInt(100) == 0 ? 2 << 20 : 1 + random.nextInt(20_000)];
            random.nextBytes(bytes);
            return bytes;
        }

        private static byte[] events(RandomGenerator random, ApiKind api) {
            StringBuilder text = new StringBuilder();
            int count = random.nextInt(30);
            for (int i = 0; i < count; i++) {
                text.append("data: {\"delta\":\"\u4f60\ud83e\udd8a \\u00e9 ")
                        .append(i)
                        .append("\"}\n\n");
                text.append(random.nextInt(9) == 0 ? ": comment\r\n\r\n" : "");
            }
            return text.append(
                            switch (api) {
                                case MESSAGES -> "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
                                case RESPONSES -> "event: response.completed\ndata: {}\n\n";
                                default -> "data: [DONE]\n\n";
                            })
                    .toString()
                    .getBytes(StandardCharsets.UTF_8);
        }

        private static void chunks(RandomGenerator random, byte[] body, ByteArrayOutputStream wire) {
            int at = 0;
            while (at < body.length) {
                int size = Math.min(body.length - at, 1 + random.nextInt(random.nextBoolean() ? 7 : 9_000));
                wire.writeBytes((Integer.toHexString(size) + "\r\n").getBytes(StandardCharsets.US_ASCII));
                wire.write(body, at, size);
                wire.writeBytes("\r\n".getBytes(StandardCharsets.US_ASCII));
                at += size;
            }
            wire.writeBytes("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        }

        private void write(RawEngine.Wire to) throws IOException {
            int at = 0;
            for (int i = 0; i < 12 && at < wire.length; i++) {
                int size = Math.min(wire.length - at, 1 + random.nextInt(40));
                to.write(wire, at, size);
                at += size;
            }
            to.write(wire, at, wire.length - at);
            if (closes) {
                to.close();
            }
        }
    }
}
