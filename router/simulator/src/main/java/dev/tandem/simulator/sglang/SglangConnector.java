// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.sglang;

import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.engine.Handover.Fetched;
import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.meeting.HostLeg;
import dev.tandem.simulator.meeting.Meetings;
import dev.tandem.simulator.meeting.NameClaims;
import dev.tandem.simulator.meeting.Visit;
import dev.tandem.simulator.peer.Peer;
import dev.tandem.simulator.peer.RemoteEngine;
import dev.tandem.simulator.peer.RemoteSource;
import dev.tandem.simulator.peer.SideChannel;
import dev.tandem.simulator.transfer.Asked;
import dev.tandem.simulator.transfer.Claim;
import dev.tandem.simulator.transfer.Connector;
import dev.tandem.simulator.transfer.Endpoint;
import dev.tandem.simulator.transfer.Leg;
import dev.tandem.simulator.transfer.Site;
import dev.tandem.simulator.wire.Json;
import dev.tandem.simulator.wire.Rejection;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * One engine process that behaves as an SGLang server. Thread-safe.
 *
 * <p>A prefill leg begins when its decode leg has come to the room, computes one token whatever its limit, and keeps
 * its KV until the decode engine has it, without bound. A router that waits for the prefill answer before it begins the
 * decode leg therefore waits until the time of the prefill leg is over.
 */
final class SglangConnector implements Connector {
    /** Longer than any process lives. */
    private static final Duration FOR_EVER = Duration.ofDays(3_650);

    private final SglangConfig config;
    private final Site site;
    private final Meetings meetings;
    private final @Nullable SideChannel channel;

    /** Opens the bootstrap port of a prefill engine; throws {@link java.io.UncheckedIOException} if it is taken. */
    SglangConnector(SglangConfig config, Site site) {
        this.site = site;
        this.meetings = new Meetings(site.engine());
        boolean prefill = config.mode() == SglangConfig.Mode.PREFILL;
        this.channel =
                prefill ? SideChannel.open(config.host(), config.bootstrapPort(), Peer.of(site, meetings)) : null;
        this.config = channel == null ? config : config.withBootstrap(config.host(), channel.port());
    }

    @Override
    public SglangConfig config() {
        return config;
    }

    /** Returns the bootstrap port of a prefill engine. */
    @Override
    public int port() {
        return channel == null ? 0 : channel.port();
    }

    @Override
    public @Nullable String violation(Asked asked) {
        Room room = new Room(asked.body());
        if (config.mode() == SglangConfig.Mode.NULL) {
            return room.asked() ? Room.ROOM + ": this engine takes whole requests (disaggregation-mode null)" : null;
        }
        return room.fault();
    }

    /** A prefill engine computes one token, whatever its limit. */
    @Override
    public GenerateRequest runs(GenerateRequest request) {
        return config.mode() == SglangConfig.Mode.PREFILL ? request.forOneToken() : request;
    }

    /**
     * A streamed chat tells no token ids, and is refused when asked to. Source: sgl-project/sglang#30917 of 2026-07.
     */
    @Override
    public Leg leg(Asked asked, GenerateRequest request) {
        if (request.streaming().stream()
                && request.returnTokenIds()
                && asked.body().has("messages")) {
            throw Rejection.badRequest("return_token_ids is not supported with streaming on /v1/chat/completions."
                    + " Please set stream=false when using return_token_ids=true.");
        }
        Room room = new Room(asked.body());
        if (config.mode() != SglangConfig.Mode.NULL && !room.known()) {
            throw Rejection.badRequest("Disaggregated request received without bootstrap room id.");
        }
        return switch (config.mode()) {
            case NULL -> Leg.NONE;
            case PREFILL -> prefillLeg(room, request);
            case DECODE -> choice -> fetch(room, request, choice);
        };
    }

    @Override
    public @Nullable Claim claim(Asked asked, GenerateRequest request) {
        Room room = new Room(asked.body());
        return switch (config.mode()) {
            case NULL -> null;
            case PREFILL -> NameClaims.ofPrefill(meetings, Room.ROOM, room.name(request, 0), room.digest());
            case DECODE -> NameClaims.ofDecode(door(room, 0), Room.ROOM, room.name(request, 0), room.digest());
        };
    }

    @Override
    public ObjectNode error(Rejection rejection) {
        ObjectNode body = Json.object().put("object", "error");
        rejection.openAi().get("error").properties().forEach(field -> body.set(field.getKey(), field.getValue()));
        return body;
    }

    @Override
    public List<Endpoint> endpoints() {
        Endpoint.Handler server = body -> new Endpoint.Reply(200, serverInfo());
        Endpoint.Handler model = body -> new Endpoint.Reply(200, modelInfo());
        return List.of(
                new Endpoint("GET", "/server_info", server),
                new Endpoint("GET", "/get_server_info", server),
                new Endpoint("GET", "/model_info", model),
                new Endpoint("GET", "/get_model_info", model),
                new Endpoint("GET", "/health_generate", body -> new Endpoint.Reply(200, Json.object())));
    }

    @Override
    public Map<String, Long> facts() {
        return meetings.facts();
    }

    @Override
    public void close() {
        if (channel != null) {
            channel.close();
        }
    }

    private ObjectNode serverInfo() {
        return modelInfo()
                .put("disaggregation_mode", config.mode().wireName())
                .put("disaggregation_bootstrap_port", config.bootstrapPort());
    }

    private ObjectNode modelInfo() {
        String model = site.engine().shape().model();
        return Json.object()
                .put("model_path", model)
                .put("tokenizer_path", model)
                .put("is_generation", true);
    }

    private Leg prefillLeg(Room room, GenerateRequest request) {
        HostLeg host = new HostLeg(
                meetings,
                request,
                new HostLeg.Terms(choice -> room.name(request, choice), FOR_EVER, true),
                room.digest());
        return choice -> {
            Handover.Terms terms = new Handover.Terms(config.bootstrap(), true, true);
            Gate gate = new Gate(room.name(request, choice));
            return new Handover.Relay(new Handover.Fetch(gate, -1, terms), host.keep(choice));
        };
    }

    private Handover fetch(Room room, GenerateRequest request, int choice) {
        Visit.Manners manners = new Visit.Manners(true, true, true, -1);
        int prompt = choice / request.sampling().n();
        Visit visit = new Visit(door(room, prompt), room.name(request, choice), manners);
        return new Handover.Fetch(visit, -1, new Handover.Terms(config.waiting(), false, true));
    }

    private RemoteSource.Connection door(Room room, int prompt) {
        return () -> RemoteEngine.connect(
                new InetSocketAddress(room.host(prompt), room.port(prompt, config.bootstrapPort())),
                "",
                site.compatibility());
    }

    /** Brings nothing, but only when the decode leg has come. */
    private final class Gate implements Handover.Source {
        private final String name;

        Gate(String name) {
            this.name = name;
        }

        @Override
        public void fetch(int blocks, Consumer<Fetched> done) {
            CompletionStage<Void> visited = meetings.visited(name);
            visited.thenRun(() -> done.accept(new Fetched(List.of(), 0, 0)));
        }

        @Override
        public void cancel() {}

        @Override
        public void waiting() {}
    }
}
