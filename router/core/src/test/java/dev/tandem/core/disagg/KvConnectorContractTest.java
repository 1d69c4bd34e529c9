// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.disagg.BodyEdits.Edit;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Seat;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.request.ApiKind;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What every connector must do, for every API that generates. */
class KvConnectorContractTest {
    private static final Worker PREFILL = new Worker("p", URI.create("http://127.0.0.1:1"), Role.PREFILL);
    private static final Worker DECODE = new Worker("d", URI.create("http://127.0.0.1:2"), Role.DECODE);

    static Stream<Arguments> connectorsAndApis() {
        return KvConnectors.ALL.stream()
                .flatMap(connector -> Arrays.stream(ApiKind.values())
                        .filter(ApiKind::generative)
                        .map(api -> Arguments.of(connector, api)));
    }

    private static Exchange plan(KvConnector connector, ApiKind api) {
        return connector.plan(new Pairing(new Seat(PREFILL, 0), new Seat(DECODE, 0), api, "id"));
    }

    @ParameterizedTest
    @MethodSource("connectorsAndApis")
    void theAnswerComesFromTheDecodeWorkerAndItsBodyIsTheClients(KvConnector connector, ApiKind api) {
        Leg decode = plan(connector, api).decode();

        assertThat(decode.worker()).isEqualTo(DECODE);
        assertThat(decode.api()).isEqualTo(api);
        assertThat(decode.body().edits()).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("connectorsAndApis")
    void aPrefillLegComputesAndStreamsNothing(KvConnector connector, ApiKind api) {
        switch (plan(connector, api)) {
            case Exchange.Single single -> assertThat(connector.handsOver()).isFalse();
            case Exchange.Sequential(Leg prefill, Leg decode) -> {
                assertThat(connector.handsOver()).isTrue();
                assertThat(prefill.worker()).isEqualTo(PREFILL);
                assertThat(prefill.body().edits())
                        .contains(new Edit.Put("stream", "false"), new Edit.Drop("stream_options"))
                        .contains(new Edit.Put(api == ApiKind.RESPONSES ? "max_output_tokens" : "max_tokens", "1"));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("connectorsAndApis")
    void noTwoEditsNameOneField(KvConnector connector, ApiKind api) {
        if (plan(connector, api) instanceof Exchange.Sequential(Leg prefill, Leg decode)) {
            List<String> fields =
                    prefill.body().edits().stream().map(Edit::field).toList();
            assertThat(fields).doesNotHaveDuplicates();
        }
    }

    @Test
    void namesAreDistinctAndFindTheirConnector() {
        assertThat(KvConnectors.names()).doesNotHaveDuplicates().containsExactly("plain", "shared-cache");
        KvConnectors.ALL.forEach(
                connector -> assertThat(KvConnectors.named(connector.name())).contains(connector));
        assertThat(KvConnectors.named("Nixl")).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(names = {"EMBEDDINGS", "RERANK", "SCORE", "TRANSCRIPTIONS", "TOKENIZE", "DETOKENIZE"})
    void whatGeneratesNothingHasNoPrefillLeg(ApiKind api) {
        assertThatThrownBy(() -> ComputeOnly.of(api)).hasMessageContaining("expected: one that generates");
    }
}
