// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.disagg.BodyEdits.Edit;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Seat;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.request.ApiKind;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiPredicate;
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
    private static final EngineFacts FACTS = new EngineFacts(null, 4);

    static Stream<Arguments> connectorsAndApis() {
        return cases((connector, api) -> api.generative());
    }

    static Stream<Arguments> handOvers() {
        return cases(KvConnector::handsOver);
    }

    private static Stream<Arguments> cases(BiPredicate<KvConnector, ApiKind> of) {
        return KvConnectors.ALL.stream()
                .flatMap(connector -> Arrays.stream(ApiKind.values())
                        .filter(api -> of.test(connector, api))
                        .map(api -> Arguments.of(connector, api)));
    }

    private static Exchange plan(KvConnector connector, ApiKind api) {
        return connector.plan(new Pairing(new Seat(PREFILL, 0, FACTS), new Seat(DECODE, 0, FACTS), api, "id"));
    }

    private static Exchange.Sequential pair(KvConnector connector, ApiKind api) {
        return (Exchange.Sequential) plan(connector, api);
    }

    @ParameterizedTest
    @MethodSource("connectorsAndApis")
    void theAnswerComesFromTheDecodeWorkerOnTheClientsApi(KvConnector connector, ApiKind api) {
        Leg decode = plan(connector, api).decode();

        assertThat(decode.worker()).isEqualTo(DECODE);
        assertThat(decode.api()).isEqualTo(api);
    }

    @ParameterizedTest
    @MethodSource("connectorsAndApis")
    void whatGeneratesIsTheClientsToSay(KvConnector connector, ApiKind api) {
        List<String> edited = plan(connector, api).decode().body().edits().stream()
                .map(Edit::field)
                .toList();

        assertThat(edited)
                .doesNotContain(
                        "model", "prompt", "messages", "input", "stream", "stream_options", "max_tokens", "n", "stop");
    }

    @ParameterizedTest
    @MethodSource("connectorsAndApis")
    void aWholeRequestRunsOnItsWorker(KvConnector connector, ApiKind api) {
        Leg whole = connector.whole(new Seat(DECODE, 0, EngineFacts.UNKNOWN), api);

        assertThat(whole).isEqualTo(new Leg(DECODE, api, BodyEdits.NONE));
    }

    @ParameterizedTest
    @MethodSource("handOvers")
    void aPrefillLegComputesAndStreamsNothing(KvConnector connector, ApiKind api) {
        Leg prefill = pair(connector, api).prefill();

        assertThat(prefill.worker()).isEqualTo(PREFILL);
        assertThat(prefill.body().edits())
                .contains(new Edit.Put("stream", "false"), new Edit.Drop("stream_options"))
                .contains(new Edit.Put(api == ApiKind.RESPONSES ? "max_output_tokens" : "max_tokens", "1"));
    }

    @ParameterizedTest
    @MethodSource("handOvers")
    void noTwoEditsNameOneField(KvConnector connector, ApiKind api) {
        assertThat(pair(connector, api).prefill().body().edits())
                .extracting(Edit::field)
                .doesNotHaveDuplicates();
    }

    @Test
    void namesAreDistinctAndFindTheirConnector() {
        assertThat(KvConnectors.names())
                .doesNotHaveDuplicates()
                .containsExactly("plain", "shared-cache", "nixl", "llamacpp-slot");
        KvConnectors.ALL.forEach(
                connector -> assertThat(KvConnectors.named(connector.name())).contains(connector));
        assertThat(KvConnectors.named("Nixl")).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(names = {"EMBEDDINGS", "RERANK", "SCORE", "TRANSCRIPTIONS", "TOKENIZE", "DETOKENIZE"})
    void whatGeneratesNothingHasNoPrefillLeg(ApiKind api) {
        assertThat(KvConnectors.ALL).noneMatch(connector -> connector.handsOver(api));
        assertThatThrownBy(() -> ComputeOnly.of(api)).hasMessageContaining("expected: one that generates");
    }
}
