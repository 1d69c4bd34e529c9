// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import dev.tandem.simulator.engine.Engine;
import dev.tandem.simulator.generate.ChatReader;
import dev.tandem.simulator.generate.GenerateApi;
import dev.tandem.simulator.generate.MessagesReader;
import dev.tandem.simulator.http.EngineOptions.Apis;
import dev.tandem.simulator.text.Tokenizer;
import dev.tandem.simulator.transfer.Connector;
import dev.tandem.simulator.transfer.Endpoint;
import dev.tandem.simulator.wire.Fields;
import dev.tandem.simulator.wire.HttpStats;
import dev.tandem.simulator.wire.Json;
import dev.tandem.simulator.wire.MetricsText;
import dev.tandem.simulator.wire.MultipartForm;
import dev.tandem.simulator.wire.PoolingAnswers;
import dev.tandem.simulator.wire.Rejection;
import dev.tandem.simulator.wire.Served;
import dev.tandem.simulator.wire.TokenAnswers;
import dev.tandem.simulator.wire.TranscriptionAnswers;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import tools.jackson.databind.node.ObjectNode;

/** vLLM's closed list of paths. Thread-safe. */
final class Routes {
    /** Answers a request on one path. */
    interface Handler {
        Mono<Answer> answer(Call call);
    }

    private record Route(String methods, boolean json, Handler handler) {}

    private final Map<String, Route> routes = new LinkedHashMap<>();
    private final Served served;
    private final Engine engine;
    private final @Nullable Connector connector;
    private final List<SimulatedEngine.Rank> ranks;
    private final AtomicInteger turn = new AtomicInteger();
    private final boolean strict;
    private final HttpStats stats;

    /** Makes the paths of a server; metrics and what a connector adds are those of the first rank. */
    Routes(EngineOptions options, Served served, List<SimulatedEngine.Rank> ranks) {
        this.served = served;
        this.ranks = ranks;
        this.engine = ranks.getFirst().engine();
        this.connector = ranks.getFirst().connector();
        this.strict = options.strict();
        this.stats = new HttpStats(served.created());
        addServer();
        if (options.apis().serves(Apis.GENERATE)) {
            addGeneration();
        }
        if (options.apis().serves(Apis.POOLING)) {
            addPooling();
        }
        if (options.apis().serves(Apis.TRANSCRIPTION)) {
            addTranscription();
        }
        if (connector != null) {
            connector.endpoints().forEach(this::add);
        }
    }

    /** Returns the answer to a request; a failed check comes as an error. */
    Mono<Answer> answer(Call call) {
        Route route = routes.get(call.path());
        if (route == null) {
            return Mono.just(Answer.json(404, Json.object().put("detail", "Not Found")));
        }
        if (!List.of(route.methods.split(", ")).contains(call.method())) {
            byte[] body = Json.bytes(Json.object().put("detail", "Method Not Allowed"));
            return Mono.just(new Answer.Whole(405, Answer.JSON, body, List.of(Map.entry("allow", route.methods))));
        }
        return Mono.defer(() -> {
                    if (route.json && !isJson(call.header("content-type"))) {
                        throw new Rejection(
                                400,
                                "Bad Request",
                                "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed",
                                null);
                    }
                    return route.handler.answer(call);
                })
                .onErrorResume(Rejection.class, rejection -> Mono.just(rejected(call.path(), rejection)));
    }

    /** Returns what the HTTP middleware has counted. */
    HttpStats stats() {
        return stats;
    }

    /** Returns true for a path of this server. */
    boolean knows(String path) {
        return routes.containsKey(path);
    }

    private Answer rejected(String path, Rejection rejection) {
        boolean messages = path.startsWith("/v1/messages");
        ObjectNode other = connector == null ? rejection.openAi() : connector.error(rejection);
        return Answer.json(rejection.status(), messages ? rejection.anthropic() : other);
    }

    private static boolean isJson(@Nullable String contentType) {
        return contentType != null && contentType.split(";", 2)[0].strip().equalsIgnoreCase(Answer.JSON);
    }

    private void addServer() {
        get("/health", call -> Mono.just(Answer.empty(200)));
        routes.put("/ping", new Route("GET, POST", false, call -> Mono.just(Answer.empty(200))));
        get("/version", call -> Mono.just(Answer.json(200, Json.object().put("version", served.version()))));
        get("/load", call -> Mono.just(Answer.json(200, Json.object().put("server_load", 0))));
        get("/v1/models", call -> Mono.just(Answer.json(200, served.models())));
        get("/kv_event_sources", call -> Mono.just(Answer.json(200, Json.object())));
        get("/metrics", call -> Mono.just(metrics()));
        post("/tokenize", call -> Mono.just(tokenize(call)));
        post("/detokenize", call -> {
            Fields fields = Fields.parse(call.body());
            served.check(fields.string("model"));
            return Mono.just(Answer.json(200, TokenAnswers.detokenized(fields)));
        });
    }

    private void addGeneration() {
        List<GenerateRoute> generate = ranks.stream()
                .map(rank -> new GenerateRoute(rank.engine(), served, rank.connector(), strict))
                .toList();
        generation("/v1/completions", GenerateApi.COMPLETIONS, generate);
        generation("/v1/chat/completions", GenerateApi.CHAT, generate);
        generation("/v1/responses", GenerateApi.RESPONSES, generate);
        generation("/v1/messages", GenerateApi.MESSAGES, generate);
        post("/v1/messages/count_tokens", call -> Mono.just(countTokens(call)));
        for (String path : List.of("/v1/completions/render", "/v1/chat/completions/render", "/inference/v1/generate")) {
            post(path, call -> {
                throw new Rejection(
                        403,
                        "PermissionDeniedError",
                        "Scale-out endpoints are disabled."
                                + " Restart vllm serve with --enable-scale-out to enable them.",
                        null);
            });
        }
    }

    private void generation(String path, GenerateApi api, List<GenerateRoute> routeOfRank) {
        post(path, call -> routeOfRank.get(rank(call)).answer(api, call));
    }

    /** Returns the data parallel rank that a request names, as vLLM reads it; without one they take turns. */
    private int rank(Call call) {
        String named = call.header("x-data-parallel-rank");
        if (named == null || !named.matches("\\d{1,4}")) {
            if (strict && ranks.size() > 1) {
                throw call.violation("X-data-parallel-rank: " + named + " (expected: the rank that the router chose)");
            }
            return Math.floorMod(turn.getAndIncrement(), ranks.size());
        }
        int rank = Integer.parseInt(named);
        if (rank >= ranks.size()) {
            throw Rejection.badRequest("data_parallel_rank " + rank + " is out of range [0, " + ranks.size() + ").");
        }
        return rank;
    }

    private void add(Endpoint endpoint) {
        routes.put(endpoint.path(), new Route(endpoint.method(), false, call -> {
            Endpoint.Reply reply = endpoint.handler().answer(call.body());
            return Mono.just(Answer.json(reply.status(), reply.body()));
        }));
    }

    private void get(String path, Handler handler) {
        routes.put(path, new Route("GET", false, handler));
    }

    private void post(String path, Handler handler) {
        routes.put(path, new Route("POST", true, handler));
    }

    private Answer tokenize(Call call) {
        Fields fields = Fields.parse(call.body());
        served.check(fields.string("model"));
        int[] tokens;
        if (fields.get("messages") != null) {
            tokens = new ChatReader(fields, served).prompt();
        } else {
            fields.require("prompt");
            String prompt = fields.string("prompt");
            tokens = Tokenizer.TOY.encode(prompt == null ? "" : prompt);
        }
        return Answer.json(200, TokenAnswers.tokenized(tokens, fields, served));
    }

    private Answer countTokens(Call call) {
        Fields fields = Fields.parse(call.body());
        served.check(fields.string("model"));
        int tokens = new MessagesReader(fields, served).prompt().length;
        ObjectNode body = Json.object().put("input_tokens", tokens);
        body.putObject("context_management").put("original_input_tokens", tokens);
        return Answer.json(200, body);
    }

    private void addPooling() {
        post("/v1/embeddings", call -> Mono.just(Answer.json(200, pooling(call).embeddings())));
        for (String path : List.of("/score", "/v1/score")) {
            post(path, call -> Mono.just(Answer.json(200, pooling(call).scores())));
        }
        for (String path : List.of("/rerank", "/v1/rerank", "/v2/rerank")) {
            post(path, call -> Mono.just(Answer.json(200, pooling(call).ranking())));
        }
    }

    private PoolingAnswers pooling(Call call) {
        Fields fields = Fields.parse(call.body());
        served.check(fields.string("model"));
        return new PoolingAnswers(fields, served, call.header("x-request-id"), call.nowSeconds());
    }

    private void addTranscription() {
        for (String path : List.of("/v1/audio/transcriptions", "/v1/audio/translations")) {
            routes.put(path, new Route("POST", false, call -> Mono.just(transcribe(call))));
        }
    }

    private Answer transcribe(Call call) {
        TranscriptionAnswers answers = new TranscriptionAnswers(
                MultipartForm.parse(call.body(), call.header("content-type")), served, call.nowSeconds());
        if (answers.streaming()) {
            return new Answer.Stream(Flux.fromIterable(answers.events()));
        }
        return new Answer.Whole(200, answers.contentType(), answers.whole(), List.of());
    }

    private Answer metrics() {
        engine.expireKept();
        byte[] text = Json.utf8(MetricsText.of(engine, served, stats));
        return new Answer.Whole(200, "text/plain; version=1.0.0; charset=utf-8", text, List.of());
    }
}
