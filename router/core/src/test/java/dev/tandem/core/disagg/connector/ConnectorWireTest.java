// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg.connector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.disagg.BodyEdits.Edit;
import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.Handover;
import dev.tandem.core.disagg.KvConnector;
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
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What each protocol says on the wire: ids, addresses and parameters, as the engines read them. */
class ConnectorWireTest {
    private static final String TOKEN = "0123456789abcdef0123456789abcdef";
    private static final String ID_OF_PAIR =
            "___prefill_addr_10.0.0.1:21001___decode_addr_10.0.0.2:22001_0123456789abcdef0123456789abcdef";

    private int rank = Worker.ONLY;
    private KvAddress prefill = KvAddress.of("10.0.0.1", 21001).withEngineId("e1");
    private KvAddress decode = KvAddress.of("10.0.0.2", 22001);
    private Set<Shortcut> shortcuts = Set.of();

    private Exchange plan(String connector) {
        return plan(KvConnectors.named(connector).orElseThrow());
    }

    private Exchange plan(KvConnector connector) {
        return connector.plan(new Pairing(
                seat(Role.PREFILL, prefill),
                seat(Role.DECODE, decode),
                ApiKind.COMPLETIONS,
                TOKEN,
                "http://10.0.0.3:5768/v1/metaserver",
                shortcuts));
    }

    private Seat seat(Role role, KvAddress kv) {
        Worker endpoint = new Worker(role.tag(), URI.create("http://" + kv.host() + ":8000"), role);
        Worker worker = rank == Worker.ONLY ? endpoint : endpoint.rank(rank);
        return new Seat(worker, 0, new EngineFacts(null, 0, kv));
    }

    private static String set(Leg leg, String field) {
        return leg.body().edits().stream()
                .filter(edit -> edit.field().equals(field))
                .map(edit -> edit instanceof Edit.Put(var name, String json) ? json : "")
                .findFirst()
                .orElse("");
    }

    private static String params(Leg leg) {
        return set(leg, "kv_transfer_params");
    }

    @Test
    void p2pNcclPutsBothAddressesIntoTheIdOfBothLegs() {
        Exchange.Sequential exchange = (Exchange.Sequential) plan("p2p-nccl");

        assertThat(exchange.prefill().headers()).isEqualTo(Map.of("x-request-id", ID_OF_PAIR));
        assertThat(exchange.decode().headers()).isEqualTo(Map.of("x-request-id", ID_OF_PAIR));
        assertThat(exchange.handover()).isEqualTo(new Handover.Pushed());
        assertThat(params(exchange.prefill())).isEmpty();
        assertThat(exchange.decode().body().edits()).isEmpty();
    }

    @Test
    void nixlPushTellsDecodeAllOfPrefillAndNamesBothLegsAlike() {
        prefill = new KvAddress("10.0.0.1", 5600, 0, "e1", new KvAddress.Parallel(2, 3, 1));
        Exchange.Parallel exchange = (Exchange.Parallel) plan("nixl-push");

        assertThat(exchange.prefill().headers()).isEqualTo(Map.of("x-request-id", TOKEN));
        assertThat(exchange.decode().headers()).isEqualTo(Map.of("x-request-id", TOKEN));
        assertThat(params(exchange.prefill()))
                .isEqualTo("{\"do_remote_decode\":true,\"do_remote_prefill\":false,\"remote_engine_id\":null,"
                        + "\"remote_block_ids\":null,\"remote_host\":null,\"remote_port\":null}");
        assertThat(params(exchange.decode()))
                .isEqualTo("{\"do_remote_decode\":false,\"do_remote_prefill\":true,\"remote_engine_id\":\"e1\","
                        + "\"remote_host\":\"10.0.0.1\",\"remote_port\":5600,\"tp_size\":2,\"pp_size\":3,"
                        + "\"remote_request_id\":\"" + TOKEN + "\"}");
    }

    @Test
    void mooncakeNamesTheTransferAndTheBootstrapServer() {
        prefill = KvAddress.of("10.0.0.1", 8998).withEngineId("e1");
        Exchange.Parallel exchange = (Exchange.Parallel) plan("mooncake");

        assertThat(params(exchange.prefill()))
                .isEqualTo("{\"do_remote_decode\":true,\"do_remote_prefill\":false,\"transfer_id\":\"xfer-" + TOKEN
                        + "\"}");
        assertThat(params(exchange.decode()))
                .isEqualTo("{\"do_remote_decode\":false,\"do_remote_prefill\":true,"
                        + "\"remote_bootstrap_addr\":\"http://10.0.0.1:8998\",\"remote_engine_id\":\"e1\","
                        + "\"transfer_id\":\"xfer-" + TOKEN + "\"}");
    }

    private void moriioAddresses() {
        prefill = new KvAddress("10.0.0.1", 6301, 61005, null, new KvAddress.Parallel(4, 1, 2));
        decode = new KvAddress("10.0.0.2", 6302, 61006, null, new KvAddress.Parallel(8, 1, 1));
    }

    @Test
    void moriioReadCarriesPrefillsBlocksAndTellsEachSideTheSizesOfTheOther() {
        moriioAddresses();
        Exchange.Sequential exchange = (Exchange.Sequential) plan("moriio-read");

        String id = "___prefill_addr_host:10.0.0.1,handshake:6301,notify:61005"
                + "___decode_addr_host:10.0.0.2,handshake:6302,notify:61006_" + TOKEN;
        assertThat(exchange.prefill().headers()).isEqualTo(Map.of("x-request-id", id));
        assertThat(exchange.decode().headers()).isEqualTo(Map.of("x-request-id", id));
        assertThat(params(exchange.prefill()))
                .isEqualTo("{\"do_remote_decode\":true,\"do_remote_prefill\":false,\"remote_engine_id\":null,"
                        + "\"remote_block_ids\":null,\"remote_dp_size\":1,\"remote_tp_size\":8,"
                        + "\"transfer_id\":\"tx-" + TOKEN + "\"}");
        assertThat(exchange.handover())
                .isInstanceOfSatisfying(
                        Handover.Carried.class,
                        carried -> assertThat(carried.ours())
                                .containsEntry("do_remote_prefill", "true")
                                .containsEntry("remote_dp_size", "2")
                                .containsEntry("remote_tp_size", "4")
                                .containsEntry("transfer_id", "\"tx-" + TOKEN + "\""));
    }

    @Test
    void moriioWriteTellsDecodeEverythingAtOnce() {
        moriioAddresses();
        Exchange.Parallel exchange = (Exchange.Parallel) plan("moriio-write");

        assertThat(params(exchange.decode()))
                .isEqualTo("{\"do_remote_decode\":false,\"do_remote_prefill\":true,\"transfer_id\":\"tx-" + TOKEN
                        + "\",\"remote_dp_size\":2,\"remote_tp_size\":4,\"remote_dp_rank\":0,"
                        + "\"remote_engine_id\":null,\"remote_block_ids\":null}");
    }

    @Test
    void sglangSendsTheSameRequestTwiceWithOneRoom() {
        prefill = KvAddress.of("10.0.0.1", 8998);
        Exchange.Parallel exchange = (Exchange.Parallel) plan("sglang");

        assertThat(exchange.prefill().body()).isEqualTo(exchange.decode().body());
        assertThat(set(exchange.decode(), "bootstrap_host")).isEqualTo("\"10.0.0.1\"");
        assertThat(set(exchange.decode(), "bootstrap_port")).isEqualTo("8998");
        assertThat(Long.parseLong(set(exchange.decode(), "bootstrap_room"))).isEqualTo(0x0123456789abcdefL >>> 1);
        assertThat(set(exchange.prefill(), "stream")).isEmpty();
    }

    @Test
    void offloadingBindsBothLegsOrPulls() {
        prefill = KvAddress.of("10.0.0.1", 5710);
        Exchange.Parallel paired = (Exchange.Parallel) plan("offload-p2p");
        assertThat(params(paired.prefill())).isEqualTo("{\"remote_decoder\":{\"kv_request_id\":\"" + TOKEN + "\"}}");
        assertThat(params(paired.decode()))
                .isEqualTo("{\"remote_prefiller\":{\"kv_request_id\":\"" + TOKEN
                        + "\",\"remote_host\":\"10.0.0.1\",\"remote_port\":5710}}");

        Exchange.Sequential pull = (Exchange.Sequential) plan("offload-pull");
        assertThat(params(pull.prefill())).isEmpty();
        assertThat(params(pull.decode()))
                .isEqualTo("{\"remote_kv_source\":{\"kv_request_id\":\"" + TOKEN
                        + "\",\"remote_host\":\"10.0.0.1\",\"remote_port\":5710}}");
    }

    @Test
    void ranksOfAnEndpointAreAddressedAsEachProtocolWantsIt() {
        rank = 3;
        prefill = new KvAddress("10.0.0.1", 5600, 61005, "e3", new KvAddress.Parallel(1, 1, 4));

        assertThat(params(plan("nixl-push").decode())).contains("\"remote_port\":5603");
        assertThat(params(plan("offload-p2p").decode())).contains("\"remote_port\":5603");
        assertThat(params(plan("offload-pull").decode())).contains("\"remote_port\":5603");
        assertThat(params(plan("mooncake").decode())).contains("http://10.0.0.1:5600");
        assertThat(params(plan("moriio-write").decode())).contains("\"remote_dp_size\":4", "\"remote_dp_rank\":3");
        Exchange.Parallel sglang = (Exchange.Parallel) plan("sglang");
        assertThat(set(sglang.prefill(), "routed_dp_rank")).isEqualTo("3");
        assertThat(set(sglang.decode(), "routed_dp_rank")).isEqualTo("3");
        assertThat(set(sglang.decode(), "disagg_prefill_dp_rank")).isEqualTo("3");
        assertThat(set(sglang.prefill(), "disagg_prefill_dp_rank")).isEmpty();
    }

    @Test
    void lmcacheMpNamesOnlyThePrefillLegAndWaitsForItsNotice() {
        Exchange.Sequential exchange = (Exchange.Sequential) plan("lmcache-mp");

        assertThat(exchange.prefill().headers()).isEqualTo(Map.of("x-request-id", TOKEN));
        assertThat(exchange.decode().headers()).isEmpty();
        assertThat(exchange.handover()).isEqualTo(new Handover.Notified(TOKEN, 0, Duration.ofSeconds(2)));
        assertThat(params(exchange.prefill()) + params(exchange.decode())).isEmpty();
    }

    @Test
    void lmcachePdMovesEverythingByContent() {
        Exchange.Sequential exchange = (Exchange.Sequential) plan("lmcache-pd");

        assertThat(exchange.handover()).isEqualTo(new Handover.Pushed());
        assertThat(exchange.decode())
                .isEqualTo(new Leg(
                        exchange.decode().worker(),
                        ApiKind.COMPLETIONS,
                        exchange.decode().body()));
        assertThat(exchange.decode().body().edits()).isEmpty();
    }

    @Test
    void lmcachePdTakesTheFirstTokenFromPrefillWhereNobodySeesTheSeam() {
        shortcuts = Set.of(Shortcut.FIRST_TOKEN);
        Exchange.Continued exchange = (Exchange.Continued) plan("lmcache-pd-first-token");

        assertThat(params(exchange.prefill())).isEqualTo("{\"ret_first_tok\":true}");
        assertThat(exchange.handover()).isEqualTo(new Handover.Pushed());
        assertThat(exchange.decode().body().edits()).isEmpty();
        assertThat(plan("lmcache-pd")).isInstanceOf(Exchange.Sequential.class);

        shortcuts = Set.of();
        assertThat(plan("lmcache-pd-first-token")).isEqualTo(plan("lmcache-pd"));
    }

    @Test
    void lmcachePdNotifiedNamesTheReceiverAndWaitsForEachOfItsRanks() {
        decode = new KvAddress("10.0.0.2", 7300, 7400, null, new KvAddress.Parallel(2, 1, 1));
        String spec = "\"disagg_spec\":{\"req_id\":\"" + TOKEN + "\",\"receiver_host\":\"10.0.0.2\","
                + "\"receiver_init_port\":[7300,7301],\"receiver_alloc_port\":[7400,7401]}}";
        Exchange.Sequential whole = (Exchange.Sequential) plan("lmcache-pd-notified");

        assertThat(params(whole.prefill())).isEqualTo("{" + spec);
        assertThat(whole.handover()).isEqualTo(new Handover.Notified(TOKEN, 2, Duration.ofSeconds(2)));

        shortcuts = Set.of(Shortcut.FIRST_TOKEN);
        Exchange.Continued continued = (Exchange.Continued) plan("lmcache-pd-notified");
        assertThat(params(continued.prefill())).isEqualTo("{\"ret_first_tok\":true," + spec);
        assertThat(continued.fromStart().handover()).isEqualTo(whole.handover());
    }

    @Test
    void ascendLetsDecodeCallBack() {
        Exchange.CalledBack exchange = (Exchange.CalledBack) plan("ascend-layerwise");

        assertThat(params(exchange.decode()))
                .isEqualTo("{\"do_remote_decode\":false,\"do_remote_prefill\":true,"
                        + "\"metaserver\":\"http://10.0.0.3:5768/v1/metaserver\"}");
        assertThat(exchange.callback())
                .isEqualTo(new Exchange.Callback(TOKEN, "kv_transfer_params", Duration.ofMinutes(1)));
        assertThat(set(exchange.prefill(), "max_tokens")).isEqualTo("1");
    }

    @Test
    void whoHandsOverOnlyWhatItsLimitHasEndedGeneratesAToken() {
        Leg called = ((Exchange.CalledBack) plan("ascend-layerwise")).prefill();
        Leg read = ((Exchange.Sequential) plan("moriio-read")).prefill();
        Leg written = ((Exchange.Parallel) plan("moriio-write")).prefill();
        Leg sent = ((Exchange.Parallel) plan("mooncake")).prefill();

        assertThat(List.of(called, read, written, sent))
                .allSatisfy(leg -> assertThat(set(leg, "min_tokens")).isEqualTo("1"));
    }

    @Test
    void nixlSaysWhereItsEnginesAreReachedWhenAskedTo() {
        assertThat(((Exchange.Sequential) plan("nixl")).handover())
                .isInstanceOfSatisfying(
                        Handover.Carried.class,
                        carried -> assertThat(carried.ours()).isEqualTo(Map.of("remote_host", "\"10.0.0.1\"")));
    }

    @Test
    void whoMustBeReachedAndIsNotTakesNoPart() {
        EngineFacts nowhere = EngineFacts.UNKNOWN;
        EngineFacts nameless = nowhere.at(KvAddress.of("10.0.0.1", 8998));
        assertThat(lacks("p2p-nccl", Role.DECODE, nowhere)).contains("KV address");
        assertThat(lacks("p2p-nccl", Role.DECODE, nameless)).isEqualTo("nothing");
        assertThat(lacks("mooncake", Role.PREFILL, nowhere)).contains("KV address");
        assertThat(lacks("mooncake", Role.PREFILL, nameless)).contains("id of the engine");
        assertThat(lacks("mooncake", Role.DECODE, nowhere)).isEqualTo("nothing");
        assertThat(lacks("lmcache-pd-notified", Role.DECODE, nameless)).contains("kv.second-port");
        assertThat(lacks("lmcache-pd-notified", Role.PREFILL, nowhere)).isEqualTo("nothing");
        assertThat(lacks("nixl", Role.PREFILL, nowhere)).isEqualTo("nothing");
    }

    private static String lacks(String connector, Role role, EngineFacts facts) {
        String lack = KvConnectors.named(connector).orElseThrow().lacks(role, facts);
        return lack == null ? "nothing" : lack;
    }
}
