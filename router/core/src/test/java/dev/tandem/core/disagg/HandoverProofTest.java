// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HandoverProofTest {
    /** Counts of vLLM 0.32.0 and 0.30, recorded or reported: a good hand-over misses no more than the tail. */
    @ParameterizedTest
    @CsvSource({
        "nixl, 302, 302",
        "mooncake, 4096, 4095",
        "p2p-nccl, 1000, 999",
        "shared-cache, 301, 256",
        "lmcache-mp, 300, 256",
        "lmcache-pd, 1023, 768",
        "llamacpp-slot, 400, 399"
    })
    void aGoodHandoverIsWhole(String connector, int prompt, int found) {
        HandoverProof proof =
                HandoverProof.of(connector(connector), prompt, found).orElseThrow();

        assertThat(proof.ratio()).isEqualTo(1);
        assertThat(proof.recomputed()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"nixl, 302, 0", "shared-cache, 1024, 0", "lmcache-mp, 8192, 256", "p2p-nccl, 1000, 128"})
    void aPromptThatWasComputedTwiceShows(String connector, int prompt, int found) {
        assertThat(HandoverProof.of(connector(connector), prompt, found))
                .hasValueSatisfying(proof -> assertThat(proof.recomputed()).isTrue());
    }

    @Test
    void aPartIsAShare() {
        HandoverProof proof = HandoverProof.of(connector("nixl"), 1_128, 750).orElseThrow();

        assertThat(proof).isEqualTo(new HandoverProof(1_000, 750));
        assertThat(proof.ratio()).isEqualTo(0.75);
        assertThat(proof.recomputed()).isFalse();
    }

    @Test
    void whatNobodySaysOrIsAllTailProvesNothing() {
        assertThat(HandoverProof.of(connector("nixl"), 302, -1)).isEmpty();
        assertThat(HandoverProof.of(connector("nixl"), -1, 302)).isEmpty();
        assertThat(HandoverProof.of(connector("nixl"), 128, 0)).isEmpty();
        assertThat(HandoverProof.of(connector("lmcache-mp"), 256, 0)).isEmpty();
    }

    @Test
    void moreThanThereWasIsRefused() {
        assertThatThrownBy(() -> new HandoverProof(10, 11)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new HandoverProof(0, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    private static KvConnector connector(String name) {
        return KvConnectors.named(name).orElseThrow();
    }
}
