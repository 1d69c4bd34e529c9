// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.disagg.KvConnector.Need;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.EngineVersion;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.request.ApiKind;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ConnectorChoiceTest {
    private static final EngineFacts NIXL = new EngineFacts("nixl", 0);
    private static final EngineFacts SLOTS = new EngineFacts("llamacpp-slot", 2);

    private final ConnectorChoice auto = ConnectorChoice.named("auto").orElseThrow();

    @ParameterizedTest
    @ValueSource(strings = {"nixl", "shared-cache", "llamacpp-slot", "plain"})
    void autoTakesTheConnectorThatBothEnginesSpeak(String spoken) {
        EngineFacts facts = new EngineFacts(spoken, 1);

        assertThat(auto.between(facts, facts).name()).isEqualTo(spoken);
    }

    @Test
    void autoHandsNothingOverBetweenStrangers() {
        assertThat(auto.between(NIXL, SLOTS).name()).isEqualTo("plain");
        assertThat(auto.between(NIXL, EngineFacts.UNKNOWN).name()).isEqualTo("plain");
        assertThat(auto.apis(List.of(NIXL), List.of(SLOTS, EngineFacts.UNKNOWN)))
                .isEmpty();
        assertThat(auto.apis(List.of(), List.of(NIXL))).isEmpty();
    }

    @Test
    void aStrangerDoesNotKeepTheOthersFromHandingOver() {
        assertThat(auto.apis(List.of(NIXL, EngineFacts.UNKNOWN), List.of(NIXL, SLOTS)))
                .contains(ApiKind.COMPLETIONS, ApiKind.MESSAGES);
    }

    @Test
    void autoKnowsWhichApisAreHandedOver() {
        assertThat(auto.apis(List.of(NIXL, NIXL), List.of(NIXL))).contains(ApiKind.MESSAGES, ApiKind.CHAT);
        assertThat(auto.apis(List.of(SLOTS), List.of(SLOTS)))
                .containsExactlyInAnyOrder(ApiKind.COMPLETIONS, ApiKind.CHAT, ApiKind.RESPONSES);
    }

    @Test
    void whoeverIsStillMissingIsTakenToSpeakWhatAllSpeak() {
        ConnectorChoice named = ConnectorChoice.named("nixl").orElseThrow();

        assertThat(named.apis(List.of(), List.of())).contains(ApiKind.COMPLETIONS);
        assertThat(named.apis(List.of(), List.of(NIXL))).contains(ApiKind.COMPLETIONS);
        assertThat(named.apis(List.of(), List.of(SLOTS))).isEmpty();
    }

    @Test
    void strangersAreNeverPairedWhateverAllOthersSpeak() {
        for (String name : ConnectorChoice.names()) {
            ConnectorChoice choice = ConnectorChoice.named(name).orElseThrow();
            for (KvConnector one : KvConnectors.ALL) {
                for (KvConnector other : KvConnectors.ALL) {
                    assertThat(choice.between(new EngineFacts(one.name(), 1), new EngineFacts(other.name(), 1)))
                            .as("%s and %s under %s", one.name(), other.name(), name)
                            .isSameAs(one.equals(other) ? one : KvConnectors.PLAIN);
                }
            }
        }
    }

    @Test
    void anEngineServesWholeIfItsOwnProtocolAllowsIt() {
        EngineFacts never = new EngineFacts("p2p-nccl", 0);

        assertThat(List.of(NIXL, SLOTS, EngineFacts.UNKNOWN))
                .allSatisfy(engine ->
                        assertThat(auto.servesWhole(Role.DECODE, engine)).isTrue());
        assertThat(auto.servesWhole(Role.DECODE, never)).isFalse();
        assertThat(auto.servesWhole(Role.PREFILL, never)).isFalse();
        assertThat(auto.servesWhole(Role.UNIFIED, never)).isTrue();
    }

    @Test
    void whatAnyWorkerNeedsIsNeeded() {
        ConnectorChoice layerwise = ConnectorChoice.named("ascend-layerwise").orElseThrow();
        ConnectorChoice notices = ConnectorChoice.named("lmcache-mp").orElseThrow();

        assertThat(auto.needs()).isEmpty();
        assertThat(auto.with(List.of(layerwise, notices, layerwise)).needs())
                .containsExactlyInAnyOrder(Need.METASERVER, Need.TELEMETRY);
        assertThat(notices.with(List.of(auto)).listening(Need.TELEMETRY)).containsExactly("lmcache-mp");
    }

    @Test
    void pairsAreOfOneVersionWhereTheirProtocolNeedsIt() {
        EngineVersion old = new EngineVersion("0.31.0");
        EngineVersion young = new EngineVersion("0.32.0");

        assertThat(auto.pairs(NIXL.running(old), NIXL.running(old))).isTrue();
        assertThat(auto.pairs(NIXL.running(old), NIXL.running(young))).isFalse();
        assertThat(auto.pairs(NIXL.running(old), NIXL)).isTrue();
        assertThat(auto.pairs(SLOTS.running(old), SLOTS.running(young))).isTrue();
        assertThat(auto.pairs(NIXL.in("a"), NIXL.in("b"))).isFalse();
        assertThat(auto.pairs(NIXL.in("a"), NIXL)).isFalse();
        assertThat(auto.pairs(NIXL.in("a"), NIXL.in("a"))).isTrue();
    }

    @Test
    void strangersAreNoPair() {
        assertThat(auto.pairs(NIXL, SLOTS)).isFalse();
        assertThat(auto.pairs(NIXL, new EngineFacts("plain", 0))).isFalse();
        assertThat(auto.pairs(NIXL, new EngineFacts("p2p-nccl", 0))).isFalse();
    }

    @Test
    void whomNobodyKnowsIsPairedWithWhoeverCanDoWithoutAHandOver() {
        EngineFacts never = new EngineFacts("p2p-nccl", 0);

        assertThat(auto.pairs(EngineFacts.UNKNOWN, EngineFacts.UNKNOWN)).isTrue();
        assertThat(auto.pairs(NIXL, EngineFacts.UNKNOWN)).isTrue();
        assertThat(auto.pairs(EngineFacts.UNKNOWN, NIXL)).isTrue();
        assertThat(auto.pairs(never, EngineFacts.UNKNOWN)).isTrue();
        assertThat(auto.pairs(EngineFacts.UNKNOWN, never)).isFalse();
    }

    @Test
    void namesAreTheConnectorsAndAuto() {
        assertThat(ConnectorChoice.names()).startsWith("auto").containsAll(KvConnectors.names());
        assertThat(ConnectorChoice.named("Nixl")).isEmpty();
    }
}
