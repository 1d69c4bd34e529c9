// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.gateway.handover.RegisteredEngine;
import java.net.URI;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

class WorkforceTest {
    private static final Map<String, String> REGISTRY = Map.of("tandem.handover.registry.enabled", "true");
    private static final RegisteredEngine PREFILL = engine(Role.PREFILL, "10.0.0.1", 8100, 21_001);
    private static final RegisteredEngine DECODE = engine(Role.DECODE, "10.0.0.2", 8200, 22_001);

    @Test
    void needsAWorkerASimulatorOrARegistry() {
        assertThatThrownBy(() -> of(Map.of("tandem.simulator.enabled", "false")))
                .isInstanceOfSatisfying(
                        InvalidConfigurationException.class,
                        e -> assertThat(e.action()).contains("tandem.handover.registry.enabled"));
    }

    @Test
    void waitsForEnginesWithoutASimulator() {
        try (Workforce workforce = of(REGISTRY)) {
            assertThat(workforce.workers()).isEmpty();
            assertThat(workforce.simulated()).isFalse();
        }
    }

    @Test
    void callsRegisteredEnginesByRoleAndAddress() {
        try (Workforce workforce = of(REGISTRY)) {
            workforce.register(List.of(PREFILL, DECODE));

            assertThat(workforce.workers())
                    .containsExactly(
                            new Worker("prefill-10-0-0-1-8100", URI.create("http://10.0.0.1:8100"), Role.PREFILL),
                            new Worker("decode-10-0-0-2-8200", URI.create("http://10.0.0.2:8200"), Role.DECODE));
            assertThat(workforce.registered()).isEqualTo(2);
            assertThat(workforce.declared(workforce.workers().getFirst()).kv())
                    .isEqualTo(KvAddress.of("10.0.0.1", 21_001));
        }
    }

    @Test
    void aRegisteredEngineWithRanksIsOneWorkerForEach() {
        KvAddress kv = new KvAddress("10.0.0.1", 6301, 61_005, null, new KvAddress.Parallel(1, 1, 2));
        RegisteredEngine engine = new RegisteredEngine(Role.PREFILL, URI.create("http://10.0.0.1:8100"), kv, "READ");
        try (Workforce workforce = of(REGISTRY)) {
            workforce.register(List.of(engine));

            assertThat(workforce.workers())
                    .extracting(Worker::id)
                    .containsExactly("prefill-10-0-0-1-8100@0", "prefill-10-0-0-1-8100@1");
            assertThat(workforce.declared(workforce.workers().getLast()).connector())
                    .isEqualTo("moriio-read");
        }
    }

    @Test
    void forgetsThoseThatHaveGone() {
        try (Workforce workforce = of(REGISTRY)) {
            workforce.register(List.of(PREFILL, DECODE));
            Worker prefill = workforce.workers().getFirst();
            workforce.register(List.of(DECODE));

            assertThat(workforce.workers()).extracting(Worker::id).containsExactly("decode-10-0-0-2-8200");
            assertThat(workforce.declared(prefill).kv()).isNull();
        }
    }

    @Test
    void aConfiguredWorkerThatRegistersStaysOneWorkerAndLearnsItsKvAddress() {
        Map<String, String> settings = new HashMap<>(REGISTRY);
        settings.put("tandem.prefill-urls", "http://10.0.0.1:8100");
        settings.put("tandem.workers[0].id", "decode-10-0-0-2-8200");
        settings.put("tandem.workers[0].url", "http://engine:8000");
        try (Workforce workforce = of(settings)) {
            workforce.register(List.of(PREFILL, DECODE));

            assertThat(workforce.workers())
                    .extracting(Worker::id)
                    .containsExactlyInAnyOrder("prefill-1", "decode-10-0-0-2-8200");
            assertThat(workforce.declared(worker(workforce, "prefill-1")).kv()).isEqualTo(PREFILL.kv());
            assertThat(workforce
                            .declared(worker(workforce, "decode-10-0-0-2-8200"))
                            .kv())
                    .isNull();
        }
    }

    @Test
    void theConfigurationKnowsAKvAddressBetterThanTheEngine() {
        Map<String, String> settings = new HashMap<>(REGISTRY);
        settings.put("tandem.prefill-urls", "http://10.0.0.1:8100");
        settings.put("tandem.disagg.prefill-kv-port", "20001");
        try (Workforce workforce = of(settings)) {
            workforce.register(List.of(PREFILL));

            assertThat(workforce.declared(worker(workforce, "prefill-1")).kv())
                    .isEqualTo(KvAddress.of("10.0.0.1", 20_001));
        }
    }

    @Test
    void aWorkersOwnConnectorComesBeforeThatOfAllAndBothBeforeItsRegistration() {
        Map<String, String> settings = new HashMap<>(REGISTRY);
        settings.put("tandem.disagg.connector", "nixl");
        settings.put("tandem.prefill-urls", "http://10.0.0.1:8100");
        settings.put("tandem.workers[0].id", "own");
        settings.put("tandem.workers[0].url", "http://10.0.0.9:8000");
        settings.put("tandem.workers[0].connector", "shared-cache");
        settings.put("tandem.workers[1].id", "asked");
        settings.put("tandem.workers[1].url", "http://10.0.0.2:8200");
        settings.put("tandem.workers[1].connector", "auto");
        try (Workforce workforce = of(settings)) {
            workforce.register(List.of(PREFILL, DECODE));

            assertThat(workforce.declared(worker(workforce, "own")).connector()).isEqualTo("shared-cache");
            assertThat(workforce.declared(worker(workforce, "prefill-1")).connector())
                    .isEqualTo("nixl");
            assertThat(workforce.declared(worker(workforce, "asked")).connector())
                    .isEqualTo("p2p-nccl");
        }
    }

    @Test
    void onlyRegisteredEnginesGetTheirKey() {
        Map<String, String> settings = new HashMap<>(REGISTRY);
        settings.put("tandem.handover.registry.api-key", "theirs");
        settings.put("tandem.workers[0].id", "known");
        settings.put("tandem.workers[0].url", "http://10.0.0.9:8000");
        settings.put("tandem.workers[0].api-key", "its own");
        settings.put("tandem.decode-urls", "http://10.0.0.2:8200");
        try (Workforce workforce = of(settings)) {
            workforce.register(List.of(PREFILL, DECODE));

            assertThat(workforce.key(worker(workforce, "prefill-10-0-0-1-8100")))
                    .isEqualTo("theirs");
            assertThat(workforce.key(worker(workforce, "known"))).isEqualTo("its own");
            assertThat(workforce.key(worker(workforce, "decode-1"))).isNull();
        }
    }

    private static Worker worker(Workforce workforce, String id) {
        return workforce.workers().stream()
                .filter(worker -> worker.id().equals(id))
                .findAny()
                .orElseThrow();
    }

    private static RegisteredEngine engine(Role role, String host, int port, int kvPort) {
        return new RegisteredEngine(role, URI.create("http://" + host + ":" + port), KvAddress.of(host, kvPort), null);
    }

    private static Workforce of(Map<String, String> settings) {
        return Workforce.of(new Binder(new MapConfigurationPropertySource(settings))
                .bind("tandem", TandemProperties.class)
                .get());
    }
}
