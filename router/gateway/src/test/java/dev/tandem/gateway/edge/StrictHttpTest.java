// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.edge;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.lifecycle.EdgeListener.Rejection;
import dev.tandem.gateway.edge.RawCorpus.Case;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the door does with single connections. */
@SuppressWarnings("StringConcatToTextBlock") // HTTP is read best as it is on the wire
final class StrictHttpTest {
    private static final long SEED = 20_261_122;
    private static final String GET = "GET /v1/models HTTP/1.1\r\nhost: g\r\n\r\n";
    private static final String POST = "POST /generate HTTP/1.1\r\nhost: g\r\ncontent-length: 5\r\n\r\n";

    private final Door door = new Door();

    @AfterEach
    void close() {
        door.close();
    }

    static List<Case> refusedAtTheDoor() {
        return RawCorpus.all().stream().filter(request -> !request.routed()).toList();
    }

    static List<Case> letIn() {
        return RawCorpus.all().stream().filter(Case::routed).toList();
    }

    @ParameterizedTest
    @MethodSource("refusedAtTheDoor")
    void whatIsNoProperRequestIsRefused(Case request) {
        door.send(request.bytes());

        assertRefused(request);
    }

    @ParameterizedTest
    @MethodSource("refusedAtTheDoor")
    void whatIsNoProperRequestIsRefusedByteByByte(Case request) {
        byte[] bytes = request.bytes();
        for (int i = 0; i < bytes.length; i++) {
            door.send(bytes, i, i + 1);
        }

        assertRefused(request);
    }

    @ParameterizedTest
    @MethodSource("letIn")
    void everyTwoPiecesOfAProperRequestAreTheSameRequest(Case request) {
        byte[] bytes = request.bytes();
        String whole = door.send(bytes).seen();
        assertThat(door.whole()).as(door.received()).isEqualTo(1);

        for (int cut = 1; cut < bytes.length; cut += 1 + bytes.length / 300) {
            Door other = new Door();
            other.send(bytes, 0, cut).send(bytes, cut, bytes.length);
            assertThat(other.seen()).as("cut at %d", cut).isEqualTo(whole);
            assertThat(other.rejections()).isEmpty();
            other.close();
        }
    }

    /**
     * Also says that framing does not hang on packets: whatever two pieces it comes in, it is the same. Only of several
     * faults another may be found first.
     */
    @Test
    void whateverIsChangedAboutARequestItIsNeverTwo() {
        SplittableRandom random = new SplittableRandom(SEED);
        Mutations mutations = new Mutations(random);
        for (int i = 0; i < 5_000; i++) {
            byte[] bytes = mutations.next();
            String text = new String(bytes, StandardCharsets.ISO_8859_1);
            Door one = new Door().send(bytes);
            assertThat(one.whole()).as(text).isLessThan(2);

            int cut = random.nextInt(bytes.length);
            Door two = new Door().send(bytes, 0, cut).send(bytes, cut, bytes.length);
            assertThat(two.seen()).as(text).isEqualTo(one.seen());
            assertThat(two.rejections()).as(text).hasSameSizeAs(one.rejections());
            one.close();
            two.close();
        }
    }

    @Test
    void anAbsoluteTargetIsCutDown() {
        door.send("GET http://G:80/v1/models?x=1 HTTP/1.1\r\nhost: g:80\r\n\r\n");
        door.send("GET http://g?x=1 HTTP/1.1\r\nhost: g\r\n\r\n");

        assertThat(door.seen()).contains("GET /v1/models?x=1[").contains("GET /?x=1[");
    }

    @Test
    void requestsOfOneConnectionAreJudgedAlike() {
        door.send(GET + POST + "hello" + GET.replace("host", "hos_t"));
        assertThat(door.requests()).isEqualTo(2);
        assertThat(door.received()).isEmpty();

        assertThat(door.answer().received()).startsWith("HTTP/1.1 200").doesNotContain("malformed_request");
        assertThat(door.answer().received()).startsWith("HTTP/1.1 200").endsWith("malformed_request");
    }

    @Test
    void whatFollowsAHeadThatIsRefusedIsNoRequest() {
        door.send("GET /v1/models HTTP/1.1\r\nhost: a@b\r\n\r\n" + GET).send(GET);

        assertThat(door.requests()).isZero();
        assertThat(door.received()).containsOnlyOnce("HTTP/1.1 400");
    }

    @Test
    void tooManyRequestsAtOnceEndTheConnection() {
        door.send(GET + GET + GET);
        assertThat(door.channel().isOpen()).isTrue();

        door.send(GET);

        assertThat(door.channel().isOpen()).isFalse();
        assertThat(door.requests()).isEqualTo(3);
        assertThat(door.rejections()).containsExactly(Rejection.PIPELINED);
    }

    @Test
    void anAnswerMakesRoomForTheNextRequest() {
        for (int i = 0; i < 10; i++) {
            door.send(GET).answer();
        }

        assertThat(door.requests()).isEqualTo(10);
        assertThat(door.rejections()).isEmpty();
    }

    @Test
    void aHeadThatDoesNotEndIsAnswered() {
        door.send(GET.substring(0, 30));
        advance(9);
        door.send(GET.substring(30, 32));
        assertThat(door.received()).isEmpty();

        advance(2);

        assertThat(door.received()).startsWith("HTTP/1.1 408").endsWith("request_timeout");
        assertThat(door.rejections()).containsExactly(Rejection.SLOW_HEAD);
        assertThat(door.send(GET.substring(32)).requests()).isZero();
    }

    @Test
    void aConnectionWithoutAHeadMayRest() {
        door.send(GET).answer();
        advance(11);
        door.send(GET.substring(0, 30));
        advance(9);
        door.send(GET.substring(30));

        assertThat(door.requests()).isEqualTo(2);
        assertThat(door.rejections()).isEmpty();
    }

    @Test
    void aBodyThatBreaksOffFailsItsRequestAndEndsTheConnection() {
        door.send("POST /generate HTTP/1.1\r\nhost: g\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel");
        assertThat(door.requests()).isEqualTo(1);

        door.send("lo\r\nnonsense\r\n").send(GET);

        assertThat(door.failures()).isEqualTo(1);
        assertThat(door.whole()).isZero();
        assertThat(door.answer().received()).contains("connection: close");
        advance(3);
        assertThat(door.channel().isOpen()).isFalse();
        assertThat(door.requests()).isEqualTo(1);
    }

    @Test
    void aBodyThatBreaksOffBeforeItsTurnEndsTheConnection() {
        door.send(GET + "POST /generate HTTP/1.1\r\nhost: g\r\ntransfer-encoding: chunked\r\n\r\nx\r\n");

        assertThat(door.channel().isOpen()).isFalse();
        assertThat(door.failures()).isZero();
    }

    @Test
    void theRestOfAnAnsweredRequestHasLittleTime() {
        door.send(POST + "he").answer();
        advance(1);
        door.send("llo" + POST + "he");
        advance(3);
        assertThat(door.channel().isOpen()).isTrue();

        door.answer();
        advance(3);

        assertThat(door.channel().isOpen()).isFalse();
        assertThat(door.rejections()).containsExactly(Rejection.SLOW_REST);
    }

    @Test
    void theAnswerToHeadHasNoBody() {
        door.send(GET.replace("GET", "HEAD") + GET);

        assertThat(door.answer().received()).endsWith("\r\n\r\n");
        assertThat(door.answer().received()).endsWith("\r\n\r\nok");
    }

    @Test
    void aClientThatLeavesInsideItsHeadIsNotAnswered() {
        door.send(GET.substring(0, 30));
        door.channel().close().syncUninterruptibly();

        assertThat(door.received()).isEmpty();
        assertThat(door.rejections()).isEmpty();
        assertThat(door.requests()).isZero();
    }

    private void advance(int seconds) {
        door.channel().advanceTimeBy(seconds, TimeUnit.SECONDS);
        door.channel().runScheduledPendingTasks();
    }

    private void assertRefused(Case request) {
        String answer = door.received();
        assertThat(door.whole()).as(door.seen()).isZero();
        if (door.requests() == 0) {
            assertThat(answer)
                    .startsWith("HTTP/1.1 " + request.status())
                    .contains("connection: close\r\n")
                    .containsOnlyOnce("HTTP/1.1");
        } else {
            assertThat(door.failures()).as(answer).isEqualTo(1);
        }
        assertThat(door.rejections()).hasSize(1);
    }
}
