// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import dev.tandem.core.fleet.Role;
import dev.tandem.simulator.ascend.LayerwiseConfig;
import dev.tandem.simulator.http.EngineOptions;
import dev.tandem.simulator.http.SimulatedEngine;
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
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * How strict simulated engines are started for each connector.
 *
 * @param connector name of the connector in the gateway
 * @param addressed whether the gateway must be told where engines' KV caches are
 * @param receivers most decode engines to which one prefill engine can hand over
 * @param engines makes the options of an engine
 * @param noticePort port of the gateway's listener for notices and calls over HTTP; 0 for none
 */
record HandoverProtocols(String connector, boolean addressed, int receivers, Engines engines, int noticePort) {
    static final Duration LEASE = Duration.ofSeconds(2);

    /** Makes the options of one engine. */
    interface Engines {
        /**
         * Returns options.
         *
         * @param base options of a strict engine without a connector
         * @param decodes the decode engines that are up already; they start first
         */
        EngineOptions of(EngineOptions base, Role role, List<SimulatedEngine> decodes);
    }

    HandoverProtocols(String connector, boolean addressed, int receivers, Engines engines) {
        this(connector, addressed, receivers, engines, 0);
    }

    /** Returns every connector whose engines the simulator imitates. */
    static List<HandoverProtocols> all() {
        Path folder = folder();
        int port = freePort();
        return List.of(
                new HandoverProtocols("shared-cache", false, 99, (base, role, decodes) -> base.withStore(folder)),
                new HandoverProtocols(
                        "nixl",
                        false,
                        99,
                        (base, role, decodes) -> base.withNixl(NixlConfig.of(kvRole(role))
                                .withSideChannel("127.0.0.1", 0)
                                .withLease(LEASE))),
                new HandoverProtocols(
                        "p2p-nccl",
                        true,
                        99,
                        (base, role, decodes) -> base.withP2pNccl(P2pNcclConfig.of(kvRole(role)))),
                new HandoverProtocols("moriio-read", true, 99, (base, role, decodes) -> moriio(base, role, true)),
                new HandoverProtocols("moriio-write", true, 99, (base, role, decodes) -> moriio(base, role, false)),
                new HandoverProtocols(
                        "nixl-push",
                        false,
                        99,
                        (base, role, decodes) -> base.withConnector(
                                "NixlPushConnector",
                                NixlConfig.of(kvRole(role))
                                        .withMode(NixlConfig.Mode.PUSH)
                                        .withSideChannel("127.0.0.1", 0)
                                        .withLease(LEASE))),
                new HandoverProtocols(
                        "mooncake",
                        true,
                        99,
                        (base, role, decodes) -> base.withConnector(
                                MooncakeConfig.NAME,
                                MooncakeConfig.of(kvRole(role))
                                        .withBootstrap("127.0.0.1", 0)
                                        .withHold(LEASE))),
                new HandoverProtocols(
                        "offload-p2p",
                        true,
                        99,
                        (base, role, decodes) ->
                                base.withConnector(OffloadConfig.NAME, OffloadConfig.of("127.0.0.1", 0, "0"))),
                new HandoverProtocols(
                        "offload-pull",
                        true,
                        99,
                        (base, role, decodes) ->
                                base.withConnector(OffloadConfig.NAME, OffloadConfig.of("127.0.0.1", 0, "0"))),
                new HandoverProtocols("sglang", true, 99, HandoverProtocols::sglang),
                new HandoverProtocols(
                        "lmcache-mp",
                        false,
                        99,
                        (base, role, decodes) -> base.withLmcacheMp(
                                folder, URI.create("http://127.0.0.1:" + port + "/api/v1/telemetry")),
                        port),
                new HandoverProtocols(
                        "ascend-layerwise",
                        false,
                        99,
                        (base, role, decodes) -> base.withConnector(
                                LayerwiseConfig.NAME, new LayerwiseConfig(kvRole(role), "127.0.0.1", 0, null)),
                        port),
                new HandoverProtocols("lmcache-pd", false, 1, HandoverProtocols::lmcachePd));
    }

    @Override
    public String toString() {
        return connector;
    }

    private static EngineOptions moriio(EngineOptions base, Role role, boolean reads) {
        return base.withMoriio(MoriioConfig.of(kvRole(role), reads));
    }

    private static EngineOptions sglang(EngineOptions base, Role role, List<SimulatedEngine> decodes) {
        SglangConfig.Mode mode = role == Role.PREFILL ? SglangConfig.Mode.PREFILL : SglangConfig.Mode.DECODE;
        return base.withConnector(SglangConfig.NAME, SglangConfig.of(mode).withBootstrap("127.0.0.1", 0));
    }

    private static EngineOptions lmcachePd(EngineOptions base, Role role, List<SimulatedEngine> decodes) {
        PdConfig config = role == Role.DECODE
                ? PdConfig.receiver()
                : PdConfig.sender("127.0.0.1:1").withPort(decodes.getFirst().sideChannelPort());
        return base.withConnector("LMCacheConnectorV1", config);
    }

    private static KvRole kvRole(Role role) {
        return role == Role.PREFILL ? KvRole.PRODUCER : KvRole.CONSUMER;
    }

    private static int freePort() {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path folder() {
        try {
            return Files.createTempDirectory("tandem-table");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
