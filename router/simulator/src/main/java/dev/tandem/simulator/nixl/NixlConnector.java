// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.nixl;

import dev.tandem.simulator.engine.Engine;
import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.text.ContentHash;
import dev.tandem.simulator.wire.Served;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The NIXL connector of one engine process, as vLLM 0.32.0 behaves with it (recorded on 2026-11-21). Thread-safe.
 *
 * <p>It checks no more than vLLM does: blocks of another prompt are taken, parameters may be used again, and malformed
 * ones kill the engine. {@link StrictRules} and {@link #claim} are for engines that refuse such requests instead.
 */
public final class NixlConnector implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(NixlConnector.class);

    private final NixlConfig config;
    private final String engineId;
    private final String compatibility;
    private final Ledger ledger = new Ledger();
    private final SideChannel channel;
    /** Engines of earlier handshakes; like vLLM's, they are not looked up again. */
    private final Map<String, InetSocketAddress> known = new ConcurrentHashMap<>();

    private NixlConnector(NixlConfig config, String engineId, Engine engine) {
        this.engineId = engineId;
        this.compatibility = String.join(
                " ",
                Served.VERSION,
                engine.shape().model(),
                Integer.toString(engine.shape().blockSize()));
        this.channel = SideChannel.open(config, engineId, compatibility, engine, ledger);
        this.config = config.withSideChannel(config.host(), channel.port());
    }

    /** Opens the side channel of an engine; throws {@link java.io.UncheckedIOException} if the port is taken. */
    public static NixlConnector start(NixlConfig config, String engineId, Engine engine) {
        return new NixlConnector(config, engineId, engine);
    }

    /** Returns the settings, with the port that is listened on. */
    public NixlConfig config() {
        return config;
    }

    /** Returns the id under which other engines know this one. */
    public String engineId() {
        return engineId;
    }

    /** Returns true for the {@code kv_transfer_params} of a decode leg. */
    public static boolean isDecodeLeg(ObjectNode params) {
        return Params.isSet(params, Params.REMOTE_PREFILL);
    }

    /** Returns the part of a request in a hand-over, given its {@code kv_transfer_params}. */
    public Leg leg(@Nullable ObjectNode params, GenerateRequest request) {
        if (params != null && isDecodeLeg(params)) {
            return decodeLeg(params, request);
        }
        boolean prefill = params != null && Params.isSet(params, Params.REMOTE_DECODE);
        return prefill ? new PrefillLeg(this, request) : Leg.NONE;
    }

    /**
     * Asks the other engine whether well-formed parameters of a decode leg may be used for this prompt, which uses them
     * up; blocks. Returns why not, or null. An engine that does not answer is no reason.
     */
    public @Nullable String claim(ObjectNode params, GenerateRequest request) {
        String id = params.path(Params.REQUEST).asString("");
        Ledger.Verdict verdict;
        try (RemoteEngine remote = connect(params)) {
            verdict = remote.claim(id, Params.digest(params), digest(request));
        } catch (IOException e) {
            log.info("KV parameters not judged request={} reason={}", id, e.getMessage());
            return null;
        }
        return switch (verdict) {
            case GOOD -> null;
            case UNKNOWN -> "not handed out by this prefill engine: " + id;
            case CHANGED -> "changed on their way: " + id;
            case USED -> "used before: " + id;
            case EXPIRED -> "older than their lease: " + id;
            case FOREIGN -> "handed out for another prompt: " + id;
        };
    }

    /** Tells the other engine that the blocks of a decode leg are not needed, because it has left before it began. */
    public void giveBack(ObjectNode params) {
        source(params, List.of()).cancel();
    }

    @Override
    public void close() {
        channel.close();
    }

    void onHandedOut(String name, ObjectNode params, GenerateRequest request) {
        ledger.add(name, Params.digest(params), digest(request));
    }

    private Leg decodeLeg(ObjectNode params, GenerateRequest request) {
        String missing = Params.missing(params);
        List<Integer> blocks = Params.blocks(params);
        if (blocks == null || request.prompts().size() > 1) {
            return new DecodeLeg(new Handover.Fatal("AssertionError: num_external_tokens == 0", true));
        }
        if (missing != null) {
            log.warn("Got invalid KVTransferParams: {}", params);
            return new DecodeLeg(new Handover.Fatal("KeyError: '" + missing + "'", false));
        }
        int shown = params.path(Params.CACHED).asInt(-1);
        return new DecodeLeg(new Handover.Fetch(source(params, blocks), shown));
    }

    private RemoteSource source(ObjectNode params, List<Integer> blocks) {
        return new RemoteSource(
                () -> connect(params), params.path(Params.REQUEST).asString(""), blocks);
    }

    private RemoteEngine connect(ObjectNode params) throws IOException {
        String id = params.path(Params.ENGINE).asString("");
        InetSocketAddress address = known.getOrDefault(
                id,
                new InetSocketAddress(
                        params.path(Params.HOST).asString(""),
                        Math.clamp(params.path(Params.PORT).asInt(0), 0, 65_535)));
        RemoteEngine remote = RemoteEngine.connect(address, id, compatibility);
        known.put(id, address);
        return remote;
    }

    private static long digest(GenerateRequest request) {
        int[] tokens = request.promptOf(0).tokens();
        return ContentHash.extend(ContentHash.of(request.salt()), tokens, 0, tokens.length);
    }

    /** A request whose KV comes from another engine, or that kills this one. */
    private record DecodeLeg(Handover handover) implements Leg {
        @Override
        public Handover handover(int choice) {
            return handover;
        }

        @Override
        public @Nullable ObjectNode params() {
            return null;
        }
    }
}
