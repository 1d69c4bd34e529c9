// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.disagg.ConnectorChoice;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

class ConnectorStartTest {
    private static ConnectorChoice start(Map<String, String> settings) {
        TandemProperties properties =
                new Binder(new MapConfigurationPropertySource(settings)).bindOrCreate("tandem", TandemProperties.class);
        return new CoreConfiguration().connectors(properties);
    }

    @ParameterizedTest
    @CsvSource({"lmcache-mp, http", "ascend-layerwise, http", "lmcache-pd-notified, notifications"})
    void aConnectorThatWaitsForWhatNobodyHearsStopsTheStart(String connector, String listener) {
        String enabled = "tandem.handover." + listener + ".enabled";
        assertThatThrownBy(() -> start(Map.of("tandem.disagg.connector", connector)))
                .isInstanceOfSatisfying(
                        InvalidConfigurationException.class,
                        e -> assertThat(e.action()).contains(enabled));
        assertThat(start(Map.of("tandem.disagg.connector", connector, enabled, "true")))
                .isNotNull();
    }

    @Test
    void anUnknownConnectorStopsTheStartAndListsThoseThatExist() {
        assertThatThrownBy(() -> start(Map.of("tandem.disagg.connector", "nixel")))
                .isInstanceOfSatisfying(
                        InvalidConfigurationException.class,
                        e -> assertThat(e.action()).contains("auto", "nixl", "moriio-write"));
    }

    @Test
    void aWorkersOwnConnectorIsCheckedLikeThatOfAll() {
        assertThatThrownBy(() -> start(ofWorker("nixel")))
                .isInstanceOf(InvalidConfigurationException.class)
                .hasMessageContaining("connector of the worker p is \"nixel\"");
        assertThatThrownBy(() -> start(ofWorker("lmcache-mp")))
                .isInstanceOf(InvalidConfigurationException.class)
                .hasMessageContaining("nobody listens: lmcache-mp");
        assertThat(start(ofWorker("auto")).needs()).isEmpty();
    }

    private static Map<String, String> ofWorker(String connector) {
        return Map.of(
                "tandem.workers[0].id", "p",
                "tandem.workers[0].url", "http://10.0.0.1:8000",
                "tandem.workers[0].connector", connector);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.0.0.0", "::"})
    void anAddressOfAllOfThisMachineIsNoneToCallBack(String address) {
        assertThat(EngineListeners.everywhere("tandem.handover.http", address)).isTrue();
        assertThat(EngineListeners.everywhere("tandem.handover.http", "127.0.0.1"))
                .isFalse();
    }
}
