// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.lmcache;

import dev.tandem.simulator.engine.Engine;
import dev.tandem.simulator.engine.Handover.Block;
import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.notice.Courier;
import dev.tandem.simulator.notice.MsgPack;
import dev.tandem.simulator.notice.ZmqSender;
import dev.tandem.simulator.peer.RemoteEngine;
import dev.tandem.simulator.strict.PrefillShape;
import dev.tandem.simulator.strict.UsedIds;
import dev.tandem.simulator.transfer.Asked;
import dev.tandem.simulator.transfer.Claim;
import dev.tandem.simulator.transfer.Connector;
import dev.tandem.simulator.transfer.Leg;
import dev.tandem.simulator.transfer.Site;
import dev.tandem.simulator.wire.Json;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A prefill engine that pushes KV into the buffer of a decode engine, block by block under its content hash, and tells
 * a router when it has done so, once per worker of the decode engine. Thread-safe.
 */
final class PdSender implements Connector {
    /** Asks for the first token in the answer's parameters. */
    static final String FIRST_TOKEN = "ret_first_tok";

    private static final byte[] GARBAGE = Json.utf8("no notice");
    private static final Logger log = LoggerFactory.getLogger(PdSender.class);

    private final PdConfig config;
    private final Site site;
    private final Courier courier;
    private final UsedIds used = new UsedIds();
    private final @Nullable ZmqSender router;

    PdSender(PdConfig config, Site site) {
        this.config = config;
        this.site = site;
        this.courier = new Courier(site.mishaps());
        this.router = config.router() == null ? null : ZmqSender.push(config.router());
    }

    @Override
    public PdConfig config() {
        return config;
    }

    @Override
    public @Nullable String violation(Asked asked) {
        ObjectNode params = asked.params();
        String wrong = params == null ? null : wrongParams(params);
        return wrong == null ? PrefillShape.violation(asked.body()) : wrong;
    }

    private static @Nullable String wrongParams(ObjectNode params) {
        String spec = params.has(Destination.SPEC) ? Destination.violation(params.path(Destination.SPEC)) : null;
        if (spec != null) {
            return spec;
        }
        ObjectNode rest = params.deepCopy();
        rest.remove(List.of(FIRST_TOKEN, Destination.SPEC));
        return StoreConnector.foreignKey(rest);
    }

    @Override
    public Leg leg(Asked asked, GenerateRequest request) {
        ObjectNode params = asked.params();
        Destination named = Destination.of(params);
        Destination fixed = config.port() == 0 ? null : new Destination(null, config.host(), config.port(), 1);
        boolean firstToken = params != null && params.path(FIRST_TOKEN).asBoolean(false);
        return new SenderLeg(this, request, named == null ? fixed : named, firstToken, asked.faults());
    }

    /** Returns whether the id of a push has been here before; the body has passed {@link #violation}. */
    @Override
    public @Nullable Claim claim(Asked asked, GenerateRequest request) {
        Destination named = Destination.of(asked.params());
        return named == null || named.requestId() == null ? null : used.claim("disagg_spec.req_id", named.requestId());
    }

    @Override
    public void close() {
        if (router != null) {
            router.close();
        }
    }

    Engine engine() {
        return site.engine();
    }

    /** Returns true if the router is told before the HTTP answer. */
    boolean early() {
        return courier.early();
    }

    /** Pushes the full blocks of a prompt; blocks. Returns false if that fails. */
    boolean push(Destination destination, long[] keys, List<Block> blocks) {
        try (RemoteEngine remote = RemoteEngine.connect(destination.address(), "", site.compatibility())) {
            for (int i = 0; i < Math.min(keys.length, blocks.size()); i++) {
                remote.push(PdBuffer.name(keys[i]), List.of(blocks.get(i)));
            }
            return true;
        } catch (IOException e) {
            log.warn("KV not sent request={} reason={}", destination.requestId(), e.getMessage());
            return false;
        }
    }

    /** Tells the router that a push has ended. */
    CompletionStage<Void> tell(Destination destination, Set<String> faults) {
        ZmqSender open = router;
        String id = destination.requestId();
        if (open == null || id == null || faults.contains("notice_never")) {
            return CompletableFuture.completedFuture(null);
        }
        Map<String, String> notice = new LinkedHashMap<>();
        notice.put("type", "ProxyNotif");
        notice.put("req_id", id);
        byte[] message = faults.contains("notice_garbage") ? GARBAGE : MsgPack.map(notice);
        return CompletableFuture.allOf(Stream.generate(() -> courier.deliver(() -> open.send(message)))
                .limit(destination.ranks())
                .map(CompletionStage::toCompletableFuture)
                .toArray(CompletableFuture[]::new));
    }
}
