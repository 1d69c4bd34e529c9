// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EnvironmentCheckTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "TANDEM_ENGINE_CONNECTTIMEOUT",
                "TANDEM_WORKERS_0_URL",
                "TANDEM_WORKERS_12_APIKEY",
                "TANDEM_WORKERS_0_KV_SECONDPORT",
                "TANDEM_HANDOVER_REGISTRY_ALLOWED",
                "TANDEM_HANDOVER_REGISTRY_ALLOWED_3",
                "TANDEM_PREFILLURLS",
                "TANDEM_PRESET",
                "PATH"
            })
    void acceptsSettingsAndForeignNames(String name) {
        assertThatCode(() -> EnvironmentCheck.check(Map.of(name, "x"), SettingNames.all()))
                .doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"TANDEM_WORKERS_0_KV", "TANDEM_WORKERS_KV_PORT", "TANDEM_WORKERS_0_PORT", "TANDEM_ENGINE_0"})
    void refusesWhatIsNearlyASetting(String name) {
        assertThatThrownBy(() -> EnvironmentCheck.check(Map.of(name, "x"), SettingNames.all()))
                .isInstanceOf(InvalidConfigurationException.class);
    }

    @Test
    void namesTheNearestSettingOfAMisspeltOne() {
        assertThatThrownBy(
                        () -> EnvironmentCheck.check(Map.of("TANDEM_ENGINE_CONECTTIMEOUT", "2s"), SettingNames.all()))
                .isInstanceOfSatisfying(InvalidConfigurationException.class, e -> {
                    org.assertj.core.api.Assertions.assertThat(e).hasMessageContaining("TANDEM_ENGINE_CONECTTIMEOUT");
                    org.assertj.core.api.Assertions.assertThat(e.action()).contains("TANDEM_ENGINE_CONNECTTIMEOUT");
                });
    }
}
