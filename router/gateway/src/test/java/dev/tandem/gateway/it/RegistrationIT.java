// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.gateway.handover.Packed;
import dev.tandem.gateway.handover.Registry;
import dev.tandem.gateway.handover.ZmqPeer;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.SimulatedEngine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.json.JsonMapper;

/**
 * A gateway without workers waits for engines that register, serves with them, and forgets them when they neither ping
 * nor pass their probes.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class RegistrationIT {
    private static final String ASK = "{\"model\":\"tiny\",\"prompt\":\"hello\",\"max_tokens\":2}";

    private final SimulatedEngine prefill = SimulatedEngine.start(EngineOptions.of("tiny", 0));
    private final SimulatedEngine decode = SimulatedEngine.start(EngineOptions.of("tiny", 0));
    private final GatewayRig rig = GatewayRig.setup()
            .set("tandem.handover.registry.enabled", "true")
            .set("tandem.handover.registry.port", "0")
            .start();

    @AfterEach
    void stop() {
        rig.assertNothingLeft();
        List.of(prefill, decode).forEach(SimulatedEngine::close);
        rig.close();
    }

    @Test
    void servesWithWhoRegistersAndOnlyAsLongAsItIsWell() throws IOException {
        Answer nobody = RawClient.post(rig.port(), "/v1/completions", ASK);
        assertThat(nobody.status()).isEqualTo(503);
        assertThat(JsonMapper.shared()
                        .readTree(nobody.text())
                        .path("error")
                        .path("code")
                        .asString())
                .isEqualTo("no_worker");

        try (ZmqPeer engines = ZmqPeer.dealer(rig.bean(Registry.class).port());
                ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor()) {
            var unused = clock.scheduleWithFixedDelay(() -> ping(engines), 0, 500, TimeUnit.MILLISECONDS);
            Poll.until("two engines", () -> rig.bean(Fleet.class).workers().size() == 2);
            rig.awaitWorkersUp();

            assertThat(rig.bean(Fleet.class).workers())
                    .extracting(Worker::id)
                    .containsExactly("decode-127-0-0-1-" + decode.port(), "prefill-127-0-0-1-" + prefill.port());
            assertThat(RawClient.post(rig.port(), "/v1/completions", ASK).status())
                    .isEqualTo(200);
            assertThat(rig.metric("tandem_registered_engines")).isEqualTo(2);
            assertThat(rig.metric("tandem_engine_messages_total", "registration", "accepted"))
                    .isGreaterThanOrEqualTo(2);
            clock.shutdownNow();
        }

        decode.close();
        Poll.until(
                "who is gone is forgotten",
                () -> rig.bean(Fleet.class).workers().size() == 1);
        assertThat(rig.bean(Fleet.class).workers())
                .as("who is well stays, though both have stopped to ping at one time")
                .extracting(Worker::role)
                .containsExactly(Role.PREFILL);
        assertThat(RawClient.post(rig.port(), "/v1/completions", ASK).status()).isEqualTo(200);
        assertThat(rig.metric("tandem_registered_engines")).isEqualTo(1);
    }

    private void ping(ZmqPeer engines) {
        try {
            engines.send(ping("P", prefill, 21_001)).send(ping("D", decode, 22_001));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] ping(String type, SimulatedEngine engine, int kvPort) {
        return Packed.map(
                "type", type,
                "http_address", "127.0.0.1:" + engine.port(),
                "zmq_address", "127.0.0.1:" + kvPort);
    }
}
