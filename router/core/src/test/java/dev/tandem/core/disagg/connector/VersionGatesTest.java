// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg.connector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.disagg.KvConnector;
import dev.tandem.core.disagg.KvConnectors;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.EngineVersion;
import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.Role;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which versions of engines speak a protocol, and how long they hold a KV cache. */
class VersionGatesTest {
    private static final EngineFacts REACHABLE =
            EngineFacts.UNKNOWN.at(new KvAddress("10.0.0.1", 5600, 7400, "engine", KvAddress.Parallel.NONE));

    @ParameterizedTest
    @CsvSource({
        "p2p-nccl, 0.23.1, 0.24.0",
        "p2p-nccl, 0.11.0, 0.32.0",
        "nixl-push, 0.24.0, 0.23.0",
        "offload-p2p, 0.26.0, 0.24.0",
        "offload-pull, 0.25.0, 0.19.1"
    })
    void enginesThatLackTheProtocolTakeNoPart(String connector, String good, String bad) {
        for (Role role : new Role[] {Role.PREFILL, Role.DECODE}) {
            assertThat(named(connector).lacks(role, running(good))).isNull();
            assertThat(named(connector).lacks(role, running(bad))).startsWith("vLLM " + bad + " has no ");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"b11669-Debian", "nightly"})
    void whatNobodyKnowsGatesNothing(String version) {
        for (KvConnector connector : KvConnectors.ALL) {
            assertThat(connector.lacks(Role.PREFILL, running(version)))
                    .as(connector.name())
                    .isNull();
            assertThat(connector.lacks(Role.DECODE, REACHABLE))
                    .as(connector.name())
                    .isNull();
        }
    }

    @Test
    void aBuildBetweenTwoReleasesMayBeEither() {
        assertThat(named("p2p-nccl").lacks(Role.DECODE, running("0.23.1rc1.dev5+gabc")))
                .isNull();
        assertThat(named("nixl-push").lacks(Role.DECODE, running("0.23.1rc1.dev5+gabc")))
                .isNull();
    }

    @ParameterizedTest
    @EnumSource(
            value = Role.class,
            names = {"PREFILL", "DECODE"})
    void aLackSaysWhatToDo(Role role) {
        assertThat(named("p2p-nccl").lacks(role, running("0.24.0")))
                .isEqualTo("vLLM 0.24.0 has no P2pNcclConnector any more: run one before 0.24, or choose another"
                        + " connector, such as nixl");
        assertThat(named("nixl-push").lacks(role, running("0.23.0")))
                .isEqualTo("vLLM 0.23.0 has no NixlPushConnector yet: run 0.24 or later, or choose another connector");
    }

    @Test
    void enginesThatNeedASettingForP2pNcclAreNamed() {
        KvConnector connector = named("p2p-nccl");

        assertThat(connector.caution(running("0.14.0"))).contains("VLLM_DISABLE_REQUEST_ID_RANDOMIZATION=1");
        assertThat(connector.caution(running("0.23.0"))).contains("vLLM 0.23.0", "both engines");
        assertThat(connector.caution(running("0.13.2"))).isNull();
        assertThat(connector.caution(REACHABLE)).isNull();
        assertThat(named("nixl").caution(running("0.14.0"))).isNull();
    }

    @Test
    void oldNixlHoldsLonger() {
        KvConnector nixl = named("nixl");

        assertThat(nixl.heldFor(running("0.22.1"))).isEqualTo(Duration.ofMinutes(8));
        assertThat(nixl.heldFor(running("0.23.0"))).isEqualTo(Duration.ofSeconds(30));
        assertThat(nixl.heldFor(running("0.22.1rc1.dev9"))).isEqualTo(Duration.ofSeconds(30));
        assertThat(nixl.heldFor(REACHABLE)).isEqualTo(Duration.ofSeconds(30));
    }

    private static KvConnector named(String name) {
        return KvConnectors.named(name).orElseThrow();
    }

    private static EngineFacts running(String version) {
        return REACHABLE.running(new EngineVersion(version));
    }
}
