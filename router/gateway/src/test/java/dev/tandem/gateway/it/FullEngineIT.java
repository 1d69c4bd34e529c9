// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.WorkerStatus;
import dev.tandem.gateway.admission.WaitingRoom;
import dev.tandem.gateway.it.RawClient.Answer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Engines that answer 429 or 503 get no more than they take, and clients learn when to ask again. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class FullEngineIT {
    private static final String PATH = "/v1/completions";
    private static final String TEXT = "{\"id\":\"cmpl-1\",\"choices\":[]}";
    private static final String ASK = "{\"model\":\"tiny\",\"prompt\":\"x\"}";
    private static final String ASK_LONG = ASK.replace("\"x\"", "\"" + "long prompt ".repeat(200) + "\"");
    private static final int CAPACITY = 8;
    private static final int CLIENTS = 24;
    private static final int ASKED_EACH = 40;
    private static final long SERVICE_NANOS = 10_000_000;

    @Test
    void theGatewayLearnsHowManyAnEngineTakes() throws IOException, InterruptedException {
        Semaphore seats = new Semaphore(CAPACITY);
        CountDownLatch crowded = new CountDownLatch(1);
        try (RawEngine small = RawEngine.start("tiny");
                RawEngine large = RawEngine.start("tiny");
                GatewayRig rig = GatewayRig.setup()
                        .worker("small", small.url(), Role.UNIFIED)
                        .worker("large", large.url(), Role.UNIFIED)
                        .set("tandem.routing.prefill-policy", "round-robin")
                        .start()) {
            small.on((request, wire) -> {
                if (!seats.tryAcquire()) {
                    wire.json(429, "{}");
                    crowded.countDown();
                    return;
                }
                crowded.await();
                LockSupport.parkNanos(SERVICE_NANOS);
                seats.release();
                wire.json(200, TEXT);
            });
            large.on((request, wire) -> {
                LockSupport.parkNanos(SERVICE_NANOS);
                wire.json(200, TEXT);
            });
            Queue<Answer> refused = new ConcurrentLinkedQueue<>();
            List<Thread> clients = Stream.generate(() -> Thread.startVirtualThread(() -> askOften(rig, refused)))
                    .limit(CLIENTS)
                    .toList();
            for (Thread client : clients) {
                client.join();
            }

            assertThat(refused).as("another worker is free").isEmpty();
            // Requests on their way to the engine or back count, too: a slow machine has more than the engine's seats.
            assertThat(limit(rig, "small")).isBetween(1, CLIENTS - 1);
            assertThat(rig.metric("tandem_worker_limit", "worker=\"small\"")).isEqualTo(limit(rig, "small"));
            assertThat(rig.metric("tandem_worker_limit", "worker=\"large\"")).isZero();
            rig.assertNothingLeft();
        }
    }

    private static void askOften(GatewayRig rig, Queue<Answer> refused) {
        try {
            for (int i = 0; i < ASKED_EACH; i++) {
                Answer answer = RawClient.post(rig.port(), PATH, ASK);
                if (answer.status() != 200) {
                    refused.add(answer);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int limit(GatewayRig rig, String worker) {
        return rig.bean(Fleet.class).statuses().stream()
                .filter(status -> status.worker().id().equals(worker))
                .mapToInt(WorkerStatus::limit)
                .sum();
    }

    @Test
    void whenAllAreFullTheClientWaitsAsLongAsTheLongestOfThem() throws IOException {
        try (RawEngine one = RawEngine.start("tiny");
                RawEngine other = RawEngine.start("tiny");
                GatewayRig rig = GatewayRig.setup()
                        .worker("one", one.url(), Role.UNIFIED)
                        .worker("other", other.url(), Role.UNIFIED)
                        .start()) {
            one.on((request, wire) -> refuse(wire, 7));
            other.on((request, wire) -> refuse(wire, 3));

            Answer answer = RawClient.post(rig.port(), PATH, ASK);
            assertThat(answer.status()).as(answer.toString()).isEqualTo(503);
            assertThat(answer.text()).contains("\"code\":\"engine_busy\"");
            assertThat(answer.header("retry-after")).isEqualTo("7");
            assertThat(answer.header("x-tandem-attempts")).isEqualTo("2");

            Answer next = RawClient.post(rig.port(), PATH, ASK);
            assertThat(next.text()).contains("\"code\":\"engine_busy\"").contains("2 full");
            assertThat(next.find("retry-after")).isPresent();
            assertThat(one.received().size() + other.received().size())
                    .as("asked before")
                    .isEqualTo(2);
            rig.assertNothingLeft();
        }
    }

    @Test
    void whoeverHasRoomIsFoundBehindTwoThatAreFull() throws IOException {
        AtomicInteger asked = new AtomicInteger();
        RawEngine.Behaviour twoAreFull = (request, wire) -> {
            if (asked.incrementAndGet() <= 2) {
                refuse(wire, 7);
            } else {
                wire.json(200, TEXT);
            }
        };
        try (RawEngine one = RawEngine.start("tiny");
                RawEngine two = RawEngine.start("tiny");
                RawEngine three = RawEngine.start("tiny");
                GatewayRig rig = GatewayRig.setup()
                        .worker("one", one.url(), Role.UNIFIED)
                        .worker("two", two.url(), Role.UNIFIED)
                        .worker("three", three.url(), Role.UNIFIED)
                        .start()) {
            Stream.of(one, two, three).forEach(engine -> engine.on(twoAreFull));

            Answer answer = RawClient.post(rig.port(), PATH, ASK);
            assertThat(answer.status()).as(answer.toString()).isEqualTo(200);
            assertThat(answer.header("x-tandem-attempts")).isEqualTo("3");
            assertThat(List.of(one, two, three))
                    .as("never the same worker twice")
                    .allSatisfy(engine -> assertThat(engine.received()).hasSize(1));
            rig.assertNothingLeft();
        }
    }

    @Test
    void whoComesToAFullEngineWaitsUntilARequestHasLeftIt() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch served = new CountDownLatch(1);
        AtomicInteger asked = new AtomicInteger();
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor();
                RawEngine engine = RawEngine.start("tiny");
                GatewayRig rig = GatewayRig.setup()
                        .worker("only", engine.url(), Role.UNIFIED)
                        .start()) {
            engine.on((request, wire) -> {
                switch (asked.incrementAndGet()) {
                    case 1 -> {
                        begun.countDown();
                        served.await();
                        wire.json(200, TEXT);
                    }
                    case 2 -> wire.json(503, "{}");
                    default -> wire.json(200, TEXT);
                }
            });
            Future<Answer> first = clients.submit(() -> RawClient.post(rig.port(), PATH, ASK));
            begun.await();
            assertThat(RawClient.post(rig.port(), PATH, ASK).text()).contains("\"code\":\"engine_busy\"");

            Future<Answer> third = clients.submit(() -> RawClient.post(rig.port(), PATH, ASK));
            WaitingRoom room = rig.bean(WaitingRoom.class);
            Poll.until("the third waits", () -> room.queued() == 1);
            assertThat(asked).as("it is not sent").hasValue(2);
            served.countDown();

            assertThat(first.get().status()).isEqualTo(200);
            assertThat(third.get().status()).isEqualTo(200);
            assertThat(rig.metric("tandem_held_back_total")).isEqualTo(1);
            rig.assertNothingLeft();
        }
    }

    @Test
    void aPrefillWorkerThatIsFullSaysSoToo() throws IOException {
        try (RawEngine prefill = RawEngine.start("tiny");
                RawEngine decode = RawEngine.start("tiny");
                GatewayRig rig = GatewayRig.setup()
                        .worker("p", prefill.url(), Role.PREFILL)
                        .worker("d", decode.url(), Role.DECODE)
                        .set("tandem.disagg.connector", "nixl")
                        .set("tandem.retry.max-attempts", "1")
                        .start()) {
            prefill.on((request, wire) -> refuse(wire, 7));

            Answer answer = RawClient.post(rig.port(), PATH, ASK_LONG);
            assertThat(answer.status()).as(answer.toString()).isEqualTo(503);
            assertThat(answer.text()).contains("\"code\":\"engine_busy\"");
            assertThat(answer.header("retry-after")).isEqualTo("7");
            rig.assertNothingLeft();
        }
    }

    private static void refuse(RawEngine.Wire wire, int seconds) throws IOException {
        wire.write("HTTP/1.1 503 Full\r\nretry-after: " + seconds + "\r\ncontent-length: 0\r\n\r\n");
    }
}
