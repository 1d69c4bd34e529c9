// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.it.RawClient.Answer;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.SimulatedEngine;
import dev.tandem.simulator.nixl.NixlConfig;
import dev.tandem.simulator.transfer.KvRole;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** One gateway with a pool of NIXL workers for one model and a pool that shares a store for another. */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class TwoConnectorsIT {
    private final Map<String, SimulatedEngine> engines = new LinkedHashMap<>();
    private GatewayRig rig;

    @BeforeAll
    void start(@TempDir Path store) {
        NixlConfig nixl =
                NixlConfig.of(KvRole.BOTH).withSideChannel("127.0.0.1", 0).withLease(Duration.ofSeconds(2));
        GatewayRig.Setup setup = GatewayRig.setup()
                .set("tandem.disagg.connector", "shared-cache")
                .set("tandem.disagg.min-prompt-tokens", "16");
        pool(setup, "nixl", EngineOptions.of("small", 0).withNixl(nixl));
        pool(setup, "store", EngineOptions.of("large", 0).withStore(store));
        setup.set("tandem.workers[0].connector", "nixl").set("tandem.workers[1].connector", "nixl");
        rig = setup.start();
    }

    private void pool(GatewayRig.Setup setup, String pool, EngineOptions options) {
        for (Role role : new Role[] {Role.PREFILL, Role.DECODE}) {
            String id = pool + "-" + role.tag();
            SimulatedEngine engine = SimulatedEngine.start(options);
            engines.put(id, engine);
            setup.worker(id, engine.baseUrl(), role);
        }
    }

    @AfterAll
    void stop() {
        engines.values().forEach(SimulatedEngine::close);
        rig.close();
    }

    private static String ask(String model, int number) {
        return "{\"model\":\"" + model + "\",\"max_tokens\":4,\"temperature\":0,\"prompt\":\"request " + number + " "
                + "word ".repeat(60) + "\"}";
    }

    @Test
    void eachModelIsHandedOverByItsOwnConnector() throws IOException {
        for (int i = 0; i < 20; i++) {
            Answer small = RawClient.post(rig.port(), "/v1/completions", ask("small", i));
            Answer large = RawClient.post(rig.port(), "/v1/completions", ask("large", i));

            assertThat(small.header("x-tandem-prefill")).as("%s", small).isEqualTo("nixl-prefill");
            assertThat(small.header("x-tandem-decode")).isEqualTo("nixl-decode");
            assertThat(large.header("x-tandem-prefill")).as("%s", large).isEqualTo("store-prefill");
            assertThat(large.header("x-tandem-decode")).isEqualTo("store-decode");
        }
        assertThat(rig.metric("tandem_handovers_total", "connector=\"nixl\"", "result=\"taken\""))
                .isEqualTo(20);
        assertThat(rig.metric("tandem_handovers_total", "connector=\"shared-cache\""))
                .isZero();
        assertThat(engines.values())
                .allSatisfy(engine -> assertThat(engine.journal().violations()).isEmpty());
        rig.assertNothingLeft();
    }

    @Test
    void whatAWorkerSpeaksIsShown() {
        assertThat(rig.bean(Fleet.class).statuses())
                .allSatisfy(status -> assertThat(status.facts().connector())
                        .isEqualTo(status.worker().id().startsWith("nixl") ? "nixl" : "shared-cache"));
    }
}
