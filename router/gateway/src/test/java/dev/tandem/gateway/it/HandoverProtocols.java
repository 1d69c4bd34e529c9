// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import dev.tandem.core.fleet.Role;
import dev.tandem.simulator.ascend.LayerwiseConfig;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.ServerHandler;
import dev.tandem.simulator.http.SimulatedEngine;
import dev.tandem.simulator.llama.LlamaOptions;
import dev.tandem.simulator.llama.SimulatedLlamaServer;
import dev.tandem.simulator.lmcache.PdConfig;
import dev.tandem.simulator.mooncake.MooncakeConfig;
import dev.tandem.simulator.moriio.MoriioConfig;
import dev.tandem.simulator.nixl.NixlConfig;
import dev.tandem.simulator.offload.OffloadConfig;
import dev.tandem.simulator.p2pnccl.P2pNcclConfig;
import dev.tandem.simulator.sglang.SglangConfig;
import dev.tandem.simulator.transfer.KvRole;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * How strict simulated engines are started for each connector.
 *
 * @param connector name of the connector in the gateway
 * @param servers starts an engine
 * @param addressed whether the gateway must be told where engines' KV caches are
 * @param receivers most decode engines to which one prefill engine can hand over
 * @param settings what the gateway needs besides, such as the port of a listener
 */
record HandoverProtocols(
        String connector, Servers servers, boolean addressed, int receivers, Map<String, String> settings) {
    static final Duration LEASE = Duration.ofSeconds(2);

    private static final int MANY = 99;

    /** More than requests run at a time. */
    static final int SLOTS = 16;

    /** Starts one engine. */
    interface Servers {
        /**
         * Starts it.
         *
         * @param role {@code UNIFIED} for one that serves alone
         * @param decodes the decode engines that are up already; they start first
         */
        ServerHandler.Owner start(Role role, List<ServerHandler.Owner> decodes);
    }

    /** Makes the options of a vLLM. */
    private interface Options {
        EngineOptions of(EngineOptions base, Role role, List<ServerHandler.Owner> decodes);
    }

    /** Returns every connector. */
    static List<HandoverProtocols> all() {
        Path folder = folder();
        int telemetry = FreePort.any();
        int callbacks = FreePort.any();
        int notices = FreePort.any();
        return List.of(
                vllm("shared-cache", (base, role, decodes) -> base.withStore(folder)),
                llamacppSlot(folder),
                vllm("nixl", HandoverProtocols::nixl),
                vllm("p2p-nccl", (base, role, decodes) -> base.withP2pNccl(P2pNcclConfig.of(kvRole(role))))
                        .toAddresses(),
                vllm("moriio-read", (base, role, decodes) -> moriio(base, role, true))
                        .toAddresses(),
                vllm("moriio-write", (base, role, decodes) -> moriio(base, role, false))
                        .toAddresses(),
                vllm("nixl-push", HandoverProtocols::nixlPush),
                vllm("mooncake", HandoverProtocols::mooncake).toAddresses(),
                vllm("offload-p2p", HandoverProtocols::offload).toAddresses(),
                vllm("offload-pull", HandoverProtocols::offload).toAddresses(),
                vllm("sglang", HandoverProtocols::sglang).toAddresses(),
                vllm(
                                "lmcache-mp",
                                (base, role, decodes) -> base.withLmcacheMp(
                                        folder, URI.create("http://127.0.0.1:" + telemetry + "/api/v1/telemetry")))
                        .listening("http", telemetry),
                vllm(
                                "ascend-layerwise",
                                (base, role, decodes) -> base.withConnector(
                                        LayerwiseConfig.NAME, new LayerwiseConfig(kvRole(role), "127.0.0.1", 0, null)))
                        .listening("http", callbacks),
                vllm("lmcache-pd", HandoverProtocols::lmcachePd).toOne(),
                vllm("lmcache-pd-first-token", HandoverProtocols::lmcachePd).toOne(),
                vllm(
                                "lmcache-pd-notified",
                                (base, role, decodes) -> lmcachePd(
                                        base,
                                        role == Role.DECODE
                                                ? PdConfig.receiver()
                                                : PdConfig.sender("127.0.0.1:" + notices)))
                        .toAddresses()
                        .listening("notifications", notices));
    }

    @Override
    public String toString() {
        return connector;
    }

    private static HandoverProtocols vllm(String connector, Options options) {
        Servers servers = (role, decodes) -> {
            EngineOptions base = EngineOptions.of("tiny", 0);
            return SimulatedEngine.start(role == Role.UNIFIED ? base : options.of(base, role, decodes));
        };
        return new HandoverProtocols(connector, servers, false, MANY, Map.of());
    }

    private HandoverProtocols toAddresses() {
        return new HandoverProtocols(connector, servers, true, receivers, settings);
    }

    private HandoverProtocols toOne() {
        return new HandoverProtocols(connector, servers, addressed, 1, settings);
    }

    private HandoverProtocols listening(String listener, int port) {
        String key = "tandem.handover." + listener;
        return new HandoverProtocols(
                connector,
                servers,
                addressed,
                receivers,
                Map.of(key + ".enabled", "true", key + ".port", Integer.toString(port)));
    }

    private static HandoverProtocols llamacppSlot(Path folder) {
        Servers servers = (role, decodes) ->
                SimulatedLlamaServer.start(LlamaOptions.of("tiny", folder).withSlots(SLOTS, SLOTS * 2048));
        return new HandoverProtocols("llamacpp-slot", servers, false, MANY, Map.of());
    }

    private static EngineOptions nixl(EngineOptions base, Role role, List<ServerHandler.Owner> decodes) {
        return base.withNixl(
                NixlConfig.of(kvRole(role)).withSideChannel("127.0.0.1", 0).withLease(LEASE));
    }

    private static EngineOptions nixlPush(EngineOptions base, Role role, List<ServerHandler.Owner> decodes) {
        return base.withConnector(
                "NixlPushConnector",
                NixlConfig.of(kvRole(role))
                        .withMode(NixlConfig.Mode.PUSH)
                        .withSideChannel("127.0.0.1", 0)
                        .withLease(LEASE));
    }

    private static EngineOptions mooncake(EngineOptions base, Role role, List<ServerHandler.Owner> decodes) {
        return base.withConnector(
                MooncakeConfig.NAME,
                MooncakeConfig.of(kvRole(role)).withBootstrap("127.0.0.1", 0).withHold(LEASE));
    }

    private static EngineOptions offload(EngineOptions base, Role role, List<ServerHandler.Owner> decodes) {
        return base.withConnector(OffloadConfig.NAME, OffloadConfig.of("127.0.0.1", 0, "0"));
    }

    private static EngineOptions moriio(EngineOptions base, Role role, boolean reads) {
        return base.withMoriio(MoriioConfig.of(kvRole(role), reads));
    }

    private static EngineOptions sglang(EngineOptions base, Role role, List<ServerHandler.Owner> decodes) {
        SglangConfig.Mode mode = role == Role.PREFILL ? SglangConfig.Mode.PREFILL : SglangConfig.Mode.DECODE;
        return base.withConnector(SglangConfig.NAME, SglangConfig.of(mode).withBootstrap("127.0.0.1", 0));
    }

    /** The prefill engine knows its only receiver. */
    private static EngineOptions lmcachePd(EngineOptions base, Role role, List<ServerHandler.Owner> decodes) {
        return lmcachePd(
                base,
                role == Role.DECODE
                        ? PdConfig.receiver()
                        : PdConfig.sender("127.0.0.1:1")
                                .withPort(decodes.getFirst().sideChannelPort()));
    }

    private static EngineOptions lmcachePd(EngineOptions base, PdConfig config) {
        return base.withConnector("LMCacheConnectorV1", config);
    }

    private static KvRole kvRole(Role role) {
        return role == Role.PREFILL ? KvRole.PRODUCER : KvRole.CONSUMER;
    }

    private static Path folder() {
        try {
            return Files.createTempDirectory(Files.createDirectories(Path.of("target", "handover")), "kv");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
