// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg.connector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.disagg.BodyEdits.Edit;
import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.Handover;
import dev.tandem.core.disagg.KvConnector;
import dev.tandem.core.disagg.KvConnector.AfterPrefillFailure;
import dev.tandem.core.disagg.KvConnector.Need;
import dev.tandem.core.disagg.KvConnector.WhenAbandoned;
import dev.tandem.core.disagg.KvConnectors;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.disagg.Pairing;
import dev.tandem.core.disagg.Pairing.Shortcut;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Seat;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.request.ApiKind;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What every connector must do, for every API that generates. */
class KvConnectorContractTest {
    private static final String TOKEN = "0123456789abcdef0123456789abcdef";
    private static final String CALLBACK = "http://10.0.0.3:5768/v1/metaserver";
    private static final Worker PREFILL = new Worker("p", URI.create("http://127.0.0.1:1"), Role.PREFILL);
    private static final Worker DECODE = new Worker("d", URI.create("http://127.0.0.1:2"), Role.DECODE);
    private static final EngineFacts FACTS =
            new EngineFacts(null, 4, KvAddress.of("10.0.0.9", 5600).withEngineId("engine"));

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
        return plan(connector, api, TOKEN);
    }

    private static Exchange plan(KvConnector connector, ApiKind api, String token) {
        return connector.plan(new Pairing(
                new Seat(PREFILL, 0, FACTS),
                new Seat(DECODE, 0, FACTS),
                api,
                token,
                CALLBACK,
                api == ApiKind.COMPLETIONS ? Set.of(Shortcut.FIRST_TOKEN) : Set.of()));
    }

    private static Leg prefill(KvConnector connector, ApiKind api) {
        return switch (plan(connector, api)) {
            case Exchange.Sequential(Leg prefill, var handover, var decode) -> prefill;
            case Exchange.Continued(Leg prefill, var handover, var decode) -> prefill;
            case Exchange.Parallel(Leg prefill, var decode) -> prefill;
            case Exchange.CalledBack(var decode, var callback, Leg prefill) -> prefill;
            case Exchange.Single single -> throw new AssertionError(connector.name() + " plans one leg");
        };
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
        Leg prefill = prefill(connector, api);

        assertThat(prefill.worker()).isEqualTo(PREFILL);
        if (!connector.name().equals("sglang")) { // whose servers want the same request twice
            assertThat(prefill.body().edits())
                    .contains(new Edit.Put("stream", "false"), new Edit.Drop("stream_options"))
                    .contains(new Edit.Put(api == ApiKind.RESPONSES ? "max_output_tokens" : "max_tokens", "1"));
        }
    }

    @ParameterizedTest
    @MethodSource("handOvers")
    void onlyPrefillIsAskedAboutThePrompt(KvConnector connector, ApiKind api) {
        Edit drop = new Edit.Drop("prompt_logprobs");
        boolean sideBySide = switch (plan(connector, api)) {
            case Exchange.Parallel together -> !connector.name().equals("sglang"); // whose servers know no such field
            case Exchange.CalledBack together -> true;
            case Exchange.Sequential first -> false; // decode may come to compute the prompt itself
            case Exchange.Continued first -> false;
            case Exchange.Single alone -> false;
        };

        assertThat(prefill(connector, api).body().edits()).doesNotContain(drop);
        assertThat(plan(connector, api).decode().body().edits().contains(drop)).isEqualTo(sideBySide);
        assertThat(ComputeOnly.drained(plan(connector, api).decode()).body().edits())
                .contains(drop);
    }

    @ParameterizedTest
    @MethodSource("handOvers")
    void whatDecodeWaitsForIsNotLeftToDecodeAlone(KvConnector connector, ApiKind api) {
        Exchange plan = plan(connector, api);
        boolean sideBySide = plan instanceof Exchange.Parallel || plan instanceof Exchange.CalledBack;

        if (sideBySide
                || !connector.servesWhole(Role.DECODE)
                || connector.whenAbandoned() == WhenAbandoned.DRAIN_DECODE) {
            assertThat(connector.afterPrefillFailure()).isEqualTo(AfterPrefillFailure.ROUTE_AGAIN);
        }
    }

    @ParameterizedTest
    @MethodSource("handOvers")
    void whatExpiresIsHeldForATime(KvConnector connector, ApiKind api) {
        assertThat(connector.heldFor(FACTS).isPositive()).isEqualTo(connector.whenAbandoned() == WhenAbandoned.EXPIRES);
    }

    @ParameterizedTest
    @MethodSource("handOvers")
    void whatOneAttemptNamesNoOtherNames(KvConnector connector, ApiKind api) {
        String text = prefill(connector, api).toString() + plan(connector, api).decode();
        if (text.contains(TOKEN)) {
            Exchange other = plan(connector, api, TOKEN.replace('0', 'f'));
            assertThat(other.toString()).doesNotContain(TOKEN);
        }
    }

    @ParameterizedTest
    @MethodSource("handOvers")
    void aListenerIsNamedWhenAPlanWaitsForOne(KvConnector connector, ApiKind api) {
        Set<Need> needs = connector.needs();
        switch (plan(connector, api)) {
            case Exchange.CalledBack called -> assertThat(needs).containsExactly(Need.METASERVER);
            case Exchange.Sequential(var prefill, var handover, var decode) -> heard(handover, needs);
            case Exchange.Continued(var prefill, var handover, var decode) -> heard(handover, needs);
            case Exchange.Single single -> assertThat(needs).isEmpty();
            case Exchange.Parallel parallel -> assertThat(needs).isEmpty();
        }
    }

    private static void heard(Handover handover, Set<Need> needs) {
        assertThat(needs).hasSize(handover instanceof Handover.Notified ? 1 : 0);
    }

    @ParameterizedTest
    @MethodSource("handOvers")
    void noTwoEditsNameOneField(KvConnector connector, ApiKind api) {
        assertThat(prefill(connector, api).body().edits())
                .extracting(Edit::field)
                .doesNotHaveDuplicates();
    }

    @Test
    void namesAreDistinctAndFindTheirConnector() {
        assertThat(KvConnectors.names())
                .doesNotHaveDuplicates()
                .startsWith("plain", "shared-cache", "nixl")
                .allMatch(name -> name.matches("[a-z0-9]+(-[a-z0-9]+)*"));
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
