// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import dev.tandem.simulator.ascend.LayerwiseConfig;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.lmcache.PdConfig;
import dev.tandem.simulator.mooncake.MooncakeConfig;
import dev.tandem.simulator.moriio.MoriioConfig;
import dev.tandem.simulator.nixl.NixlConfig;
import dev.tandem.simulator.offload.OffloadConfig;
import dev.tandem.simulator.p2pnccl.P2pNcclConfig;
import dev.tandem.simulator.sglang.SglangConfig;
import dev.tandem.simulator.transfer.KvRole;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Engines of one connector, which serve a model of their own name behind the one gateway. Immutable.
 *
 * @param name Name of the connector, of the model and of the row; {@link #UNIFIED} for an engine that does both phases.
 * @param order How the legs follow each other, for the table.
 * @param known How the gateway gets to know the engines.
 * @param maker Makes the options of an engine.
 */
record Pool(String name, String order, Known known, Maker maker) {
    /** The pool of one engine without a connector. */
    static final String UNIFIED = "unified";

    /** The pool whose first token comes from prefill. */
    static final String FIRST_TOKEN = "lmcache-pd-first-token";

    /** The pool whose prefill engine sends notices over ZeroMQ. */
    static final String NOTIFIED = "lmcache-pd-notified";

    /** The pool of llama-servers. */
    static final String SLOTS = "llamacpp-slot";

    private static final String LOOPBACK = "127.0.0.1";
    private static final String SECOND_PORT = "61005";
    private static final String ONE_BY_ONE = "prefill, decode";
    private static final String BESIDE = "side by side";
    private static final Duration PING = Duration.ofSeconds(3);

    /** How the gateway gets to know engines. */
    enum Known {
        /** They are listed. */
        LISTED,
        /** They are listed with the port at which they hand KV over. */
        ADDRESSED,
        /** They register over ZeroMQ. */
        REGISTERED
    }

    /**
     * What an engine has to know.
     *
     * @param side What it is.
     * @param receiver KV port of the decode engine, for the prefill engine; they start in this order.
     * @param listeners Ports of the gateway.
     * @param folder Folder of everything that engines share.
     */
    record Surroundings(Side side, int receiver, Listeners listeners, Path folder) {
        private KvRole role() {
            return side == Side.PREFILL ? KvRole.PRODUCER : KvRole.CONSUMER;
        }

        private String registry() {
            return LOOPBACK + ":" + listeners.registry();
        }
    }

    /** Makes the options of an engine. */
    interface Maker {
        EngineOptions of(EngineOptions base, Surroundings around);
    }

    /** Returns all pools in the order of the tables. */
    static List<Pool> all() {
        return List.of(
                new Pool(UNIFIED, "one leg", Known.LISTED, (base, around) -> base),
                new Pool("shared-cache", ONE_BY_ONE, Known.LISTED, (base, around) -> base.withStore(around.folder)),
                new Pool("nixl", ONE_BY_ONE, Known.LISTED, (base, around) -> base.withNixl(nixl(around))),
                new Pool(
                        "nixl-push",
                        BESIDE,
                        Known.LISTED,
                        (base, around) -> base.withConnector(
                                "NixlPushConnector", nixl(around).withMode(NixlConfig.Mode.PUSH))),
                new Pool("lmcache-mp", "prefill, notice, decode", Known.LISTED, Pool::lmcacheMp),
                new Pool("lmcache-pd", ONE_BY_ONE, Known.LISTED, Pool::lmcachePd),
                new Pool(FIRST_TOKEN, "prefill answers first", Known.LISTED, Pool::lmcachePd),
                new Pool(NOTIFIED, "prefill, notice, decode", Known.ADDRESSED, Pool::lmcacheNotified),
                new Pool("p2p-nccl", ONE_BY_ONE, Known.REGISTERED, Pool::p2pNccl),
                new Pool("mooncake", BESIDE, Known.ADDRESSED, Pool::mooncake),
                new Pool("moriio-read", ONE_BY_ONE, Known.REGISTERED, (base, around) -> moriio(base, around, true)),
                new Pool("moriio-write", BESIDE, Known.REGISTERED, (base, around) -> moriio(base, around, false)),
                new Pool("sglang", BESIDE, Known.ADDRESSED, Pool::sglang),
                new Pool("offload-p2p", BESIDE, Known.ADDRESSED, Pool::offload),
                new Pool("offload-pull", ONE_BY_ONE, Known.ADDRESSED, Pool::offload),
                new Pool(SLOTS, "prefill, save, restore, decode", Known.LISTED, (base, around) -> base),
                new Pool("ascend-layerwise", "decode, its call, prefill", Known.LISTED, Pool::ascend));
    }

    /** Returns whether decode looks for KV by itself: nobody but its engine knows whether there was any. */
    boolean foundByContent() {
        return List.of("shared-cache", "offload-pull").contains(name);
    }

    /** Returns what the pool's engines are. */
    List<Side> sides() {
        return name.equals(UNIFIED) ? List.of(Side.UNIFIED) : List.of(Side.DECODE, Side.PREFILL);
    }

    /** Returns the gateway's settings for one of the pool's engines, as its worker of this number. */
    List<String> settings(Site site, int number) {
        String worker = "--tandem.workers[" + number + "].";
        List<String> settings = new ArrayList<>(List.of(
                worker + "id=" + name + "-" + site.side().tag(),
                worker + "url=" + site.url(),
                worker + "role=" + site.side().tag(),
                worker + "connector=" + (name.equals(UNIFIED) ? "plain" : name)));
        if (known == Known.ADDRESSED && site.kvPort() > 0) {
            settings.add(worker + "kv.port=" + site.kvPort());
            settings.add(worker + "kv.second-port=" + SECOND_PORT);
        }
        return settings;
    }

    private static NixlConfig nixl(Surroundings around) {
        return NixlConfig.of(around.role()).withSideChannel(LOOPBACK, 0);
    }

    private static EngineOptions lmcacheMp(EngineOptions base, Surroundings around) {
        URI telemetry = URI.create("http://" + LOOPBACK + ":" + around.listeners.http() + "/api/v1/telemetry");
        return base.withLmcacheMp(around.folder, telemetry);
    }

    private static EngineOptions lmcachePd(EngineOptions base, Surroundings around) {
        PdConfig config = around.side == Side.DECODE
                ? PdConfig.receiver()
                : PdConfig.sender(LOOPBACK + ":1").withPort(around.receiver);
        return base.withConnector("LMCacheConnectorV1", config);
    }

    private static EngineOptions lmcacheNotified(EngineOptions base, Surroundings around) {
        PdConfig config = around.side == Side.DECODE
                ? PdConfig.receiver()
                : PdConfig.sender(LOOPBACK + ":" + around.listeners.notices());
        return base.withConnector("LMCacheConnectorV1", config);
    }

    private static EngineOptions p2pNccl(EngineOptions base, Surroundings around) {
        return base.withP2pNccl(P2pNcclConfig.of(around.role()).withRouter(around.registry(), PING));
    }

    private static EngineOptions mooncake(EngineOptions base, Surroundings around) {
        return base.withConnector(
                MooncakeConfig.NAME, MooncakeConfig.of(around.role()).withBootstrap(LOOPBACK, 0));
    }

    private static EngineOptions moriio(EngineOptions base, Surroundings around, boolean reads) {
        return base.withMoriio(MoriioConfig.of(around.role(), reads).withRouter(around.registry(), PING));
    }

    private static EngineOptions sglang(EngineOptions base, Surroundings around) {
        SglangConfig.Mode mode = around.side == Side.PREFILL ? SglangConfig.Mode.PREFILL : SglangConfig.Mode.DECODE;
        return base.withConnector(SglangConfig.NAME, SglangConfig.of(mode).withBootstrap(LOOPBACK, 0));
    }

    private static EngineOptions offload(EngineOptions base, Surroundings around) {
        return base.withConnector(OffloadConfig.NAME, OffloadConfig.of(LOOPBACK, 0, "0"));
    }

    private static EngineOptions ascend(EngineOptions base, Surroundings around) {
        return base.withConnector(LayerwiseConfig.NAME, new LayerwiseConfig(around.role(), LOOPBACK, 0, null));
    }
}
