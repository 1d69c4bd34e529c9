// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EngineVersionTest {
    @ParameterizedTest
    @CsvSource({
        "0.24.0, true, false",
        "0.32.0, true, false",
        "1.0.0, true, false",
        "v0.24.1, true, false",
        "0.24.0rc1, true, false",
        "0.24.0rc2.dev7+g0123abc, true, false",
        "0.23.0, false, true",
        "0.9.2, false, true",
        "0.23.1.post1, false, true",
        "0.23.1rc1.dev5+gabc, false, false",
        "0.22.1rc1.dev5+gabc, false, true",
        "0.230.0, true, false"
    })
    void knowsItsPlaceAmongReleases(String text, boolean atLeast, boolean before) {
        EngineVersion version = new EngineVersion(text);

        assertThat(version.atLeast(0, 24)).isEqualTo(atLeast);
        assertThat(version.before(0, 24)).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(strings = {"dev", "b11669-Debian", "0", "0.x", "99999.1.0", "main-2026-08-17"})
    void hasNoPlaceWithoutNumbers(String text) {
        EngineVersion version = new EngineVersion(text);

        assertThat(version.atLeast(0, 0)).isFalse();
        assertThat(version.before(9_999, 0)).isFalse();
    }

    @Test
    void isShortAndPrintable() {
        assertThatThrownBy(() -> new EngineVersion("")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new EngineVersion("0.32\n")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new EngineVersion("1".repeat(101))).hasMessageContaining("101");
    }
}
