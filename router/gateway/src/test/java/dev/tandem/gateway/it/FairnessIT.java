// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.admission.WaitingRoom;
import dev.tandem.gateway.it.RawClient.Answer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;

/** A gateway that runs one request at a time: who is next, and who has to leave when too many wait. */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class FairnessIT {
    private static final String PATH = "/v1/completions";
    private static final int CHAIRS = 6;

    private final Semaphore goOn = new Semaphore(0);
    private final ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor();
    private RawEngine engine;
    private GatewayRig rig;
    private WaitingRoom room;

    @BeforeAll
    void start() throws IOException {
        engine = RawEngine.start("m");
        rig = GatewayRig.setup()
                .worker("w1", engine.url(), Role.UNIFIED)
                .set("tandem.admission.max-running", "1")
                .set("tandem.admission.max-waiting", Integer.toString(CHAIRS))
                .set("tandem.admission.max-wait", "100s")
                .set("tandem.admission.tenant-headers", "x-tenant-id")
                .set("tandem.admission.priority-header", "x-priority")
                .start();
        room = rig.bean(WaitingRoom.class);
    }

    @BeforeEach
    void answersWhenItMay() {
        engine.clear();
        engine.on((request, wire) -> {
            goOn.acquire();
            wire.json(200, "{\"choices\":[]}");
        });
    }

    @AfterEach
    void nothingIsLeft() {
        rig.assertNothingLeft();
    }

    @AfterAll
    void stop() throws IOException {
        clients.close();
        engine.close();
        rig.close();
    }

    /** Sends a request and returns when it runs or waits. */
    private Future<Answer> ask(String name, String... headers) {
        int before = room.queued();
        boolean first = room.running() == 0;
        Future<Answer> answer = clients.submit(
                () -> RawClient.post(rig.port(), PATH, "{\"model\":\"m\",\"prompt\":\"" + name + "\"}", headers));
        if (first) {
            Poll.until(() -> name + " runs", () -> engine.received().size() == 1);
        } else if (before < CHAIRS) {
            Poll.until(() -> name + " waits", () -> room.queued() == before + 1);
        }
        return answer;
    }

    private List<String> served() {
        return engine.received().stream()
                .map(request -> request.text().replaceAll(".*\"prompt\":\"(.*)\".*", "$1"))
                .toList();
    }

    private void finish(List<Future<Answer>> asked) throws ExecutionException, InterruptedException {
        goOn.release(asked.size());
        for (Future<Answer> each : asked) {
            assertThat(each.get().status()).as("%s", each.get()).isEqualTo(200);
        }
        goOn.drainPermits();
    }

    @Test
    void tenantsTakeTurnsHoweverManyRequestsTheyHave() throws Exception {
        List<Future<Answer>> asked = new ArrayList<>();
        for (String name : List.of("a0", "a1", "a2", "a3", "b1", "c1", "c2")) {
            asked.add(ask(name, "x-tenant-id: " + name.charAt(0)));
        }
        assertThat(rig.metric("tandem_running")).isEqualTo(1);
        assertThat(rig.metric("tandem_waiting")).isEqualTo(6);

        finish(asked);
        assertThat(served()).containsExactly("a0", "a1", "b1", "c1", "a2", "c2", "a3");
    }

    @Test
    void credentialsTellTenantsApart() throws Exception {
        List<Future<Answer>> asked = new ArrayList<>();
        for (String name : List.of("a0", "a1", "a2", "b1")) {
            asked.add(ask(name, "authorization: Bearer " + name.charAt(0)));
        }

        finish(asked);
        assertThat(served()).containsExactly("a0", "a1", "b1", "a2");
    }

    @Test
    void urgentOnesOvertake() throws Exception {
        List<Future<Answer>> asked = new ArrayList<>();
        asked.add(ask("running"));
        asked.add(ask("low", "x-priority: low"));
        asked.add(ask("normal"));
        asked.add(ask("high", "x-priority: high"));

        finish(asked);
        assertThat(served()).containsExactly("running", "high", "normal", "low");
    }

    @Test
    void whoFloodsTheQueueMakesRoom() throws Exception {
        List<Future<Answer>> asked = new ArrayList<>();
        for (int i = 0; i <= CHAIRS; i++) {
            asked.add(ask("flood" + i, "x-tenant-id: flood"));
        }
        Answer refused = ask("flood7", "x-tenant-id: flood").get();
        Future<Answer> other = ask("other", "x-tenant-id: other");
        Answer displaced = asked.removeLast().get();

        assertThat(refused.status()).isEqualTo(503);
        assertThat(displaced.status()).isEqualTo(503);
        assertThat(displaced.text()).contains("\"code\":\"overloaded\"");
        asked.add(other);
        finish(asked);
        assertThat(served()).startsWith("flood0", "flood1", "other").hasSize(CHAIRS + 1);
    }

    @Test
    void lessUrgentOnesAreRefusedFirst() throws Exception {
        List<Future<Answer>> asked = new ArrayList<>();
        asked.add(ask("running"));
        Future<Answer> low = ask("low", "x-priority: low");
        for (int i = 1; i < CHAIRS; i++) {
            asked.add(ask("normal" + i));
        }
        asked.add(ask("high", "x-priority: high"));

        assertThat(low.get().status()).isEqualTo(503);
        assertThat(ask("more").get().status()).isEqualTo(503);
        finish(asked);
    }
}
