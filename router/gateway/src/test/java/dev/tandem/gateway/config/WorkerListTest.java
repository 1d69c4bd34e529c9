// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.Worker;
import java.net.URI;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

class WorkerListTest {
    private static WorkerList of(Map<String, String> settings) {
        Map<String, String> all = new HashMap<>(settings);
        all.putIfAbsent("tandem.management.port", "0");
        return WorkerList.of(new Binder(new MapConfigurationPropertySource(all))
                .bind("tandem", TandemProperties.class)
                .get());
    }

    private static Map<String, KvAddress> addresses(WorkerList list) {
        return list.workers().stream()
                .filter(worker -> list.kvAddress(worker) != null)
                .collect(Collectors.toMap(Worker::id, list::kvAddress));
    }

    @Test
    void enginesOnOneHostCountTheirKvPortsUpFromTheFirst() {
        WorkerList list = of(Map.of(
                "tandem.prefill-urls", "http://10.0.0.1:5000,http://10.0.0.1:5001,http://10.0.0.2:5000",
                "tandem.decode-urls", "http://10.0.0.3:6000",
                "tandem.disagg.prefill-kv-port", "20001",
                "tandem.disagg.decode-kv-port", "21001"));

        assertThat(addresses(list))
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "prefill-1", KvAddress.of("10.0.0.1", 20001),
                        "prefill-2", KvAddress.of("10.0.0.1", 20002),
                        "prefill-3", KvAddress.of("10.0.0.2", 20001),
                        "decode-1", KvAddress.of("10.0.0.3", 21001)));
    }

    @Test
    void withoutPortsNobodyHasAnAddress() {
        assertThat(addresses(of(Map.of("tandem.prefill-urls", "http://10.0.0.1:5000"))))
                .isEmpty();
    }

    @Test
    void groupsAreThoseThatHaveAName() {
        WorkerList list = of(Map.of(
                "tandem.workers[0].id", "p",
                "tandem.workers[0].url", "http://engine:8000",
                "tandem.workers[0].group", "rack-1",
                "tandem.workers[1].id", "d",
                "tandem.workers[1].url", "http://engine:8001",
                "tandem.workers[1].group", ""));

        assertThat(list.group(list.workers().get(0))).isEqualTo("rack-1");
        assertThat(list.group(list.workers().get(1))).isNull();
    }

    @Test
    void theLongFormSaysEverything() {
        WorkerList list = of(Map.of(
                "tandem.workers[0].id", "p",
                "tandem.workers[0].url", "http://engine:8000",
                "tandem.workers[0].kv.host", "10.0.0.1",
                "tandem.workers[0].kv.port", "6301",
                "tandem.workers[0].kv.second-port", "61005",
                "tandem.workers[0].kv.engine-id", "e1",
                "tandem.workers[0].kv.tensor-parallel-size", "4"));

        assertThat(addresses(list))
                .containsEntry("p", new KvAddress("10.0.0.1", 6301, 61005, "e1", new KvAddress.Parallel(4, 1, 1)));
    }

    @Test
    void anEndpointWithRanksIsOneWorkerForEach() {
        WorkerList list = of(Map.of(
                "tandem.workers[0].id", "p",
                "tandem.workers[0].url", "http://engine:8000",
                "tandem.workers[0].role", "prefill",
                "tandem.workers[0].api-key", "sesame",
                "tandem.workers[0].connector", "moriio-read",
                "tandem.workers[0].data-parallel-size", "3",
                "tandem.workers[0].kv.port", "6301"));

        assertThat(list.workers()).extracting(Worker::id).containsExactly("p@0", "p@1", "p@2");
        assertThat(list.workers()).extracting(Worker::rank).containsExactly(0, 1, 2);
        assertThat(list.workers()).allSatisfy(worker -> {
            assertThat(worker.baseUrl()).isEqualTo(URI.create("http://engine:8000"));
            assertThat(list.key(worker)).isEqualTo("sesame");
            assertThat(list.connector(worker)).isEqualTo("moriio-read");
            assertThat(list.kvAddress(worker))
                    .isEqualTo(new KvAddress("engine", 6301, 0, null, new KvAddress.Parallel(1, 1, 3)));
        });
    }

    @Test
    void theHostIsThatOfTheUrlUnlessItIsAnother() {
        WorkerList list = of(Map.of(
                "tandem.workers[0].id", "p",
                "tandem.workers[0].url", "http://engine:8000",
                "tandem.workers[0].kv.port", "8998"));

        assertThat(addresses(list)).containsEntry("p", KvAddress.of("engine", 8998));
    }

    @Test
    void anAddressThatNoProtocolTakesStopsTheStart() {
        assertThatThrownBy(() -> of(Map.of(
                        "tandem.prefill-urls", "http://[::1]:5000",
                        "tandem.disagg.prefill-kv-port", "20001")))
                .isInstanceOf(InvalidConfigurationException.class)
                .hasMessageContaining("prefill-1");
    }
}
