// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WorkerTest {
    private static final URI URL = URI.create("http://10.0.0.1:8000");

    @Test
    void ranksShareTheEndpointAndCountTheirPorts() {
        Worker endpoint = new Worker("p-1", URL, Role.PREFILL);
        Worker third = endpoint.rank(2);

        assertThat(third).isEqualTo(new Worker("p-1@2", URL, Role.PREFILL, 2));
        assertThat(third.portOffset()).isEqualTo(2);
        assertThat(endpoint.rank()).isEqualTo(Worker.ONLY);
        assertThat(endpoint.portOffset()).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "P", "a@0", "-a", "a b", "a@"})
    void anIdThatIsNoNameIsRefused(String id) {
        assertThatThrownBy(() -> new Worker(id, URL, Role.DECODE)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void anIdWithoutARankIsNoneOfARank() {
        assertThatThrownBy(() -> new Worker("a@1", URL, Role.DECODE, 0)).isInstanceOf(IllegalArgumentException.class);
    }
}
