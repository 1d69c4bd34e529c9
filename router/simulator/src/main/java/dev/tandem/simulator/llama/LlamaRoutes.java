// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import dev.tandem.core.time.Ticker;
import dev.tandem.simulator.engine.TokenListener.FirstToken;
import dev.tandem.simulator.http.Answer;
import dev.tandem.simulator.http.Call;
import dev.tandem.simulator.text.Tokenizer;
import dev.tandem.simulator.wire.Json;
import java.io.IOException;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** llama-server's paths. Thread-safe. */
final class LlamaRoutes {
    private static final String JSON = "application/json; charset=utf-8";
    private static final Pattern SLOT_PATH = Pattern.compile("/slots/([^/]+)");
    private static final Pattern SLOT_ID = Pattern.compile("\\s*([+-]?[0-9]{1,9}).*");
    /** llama-server begins the stream of several prompts with this event (run on 2026-11-21). */
    private static final byte[] NOTHING = Json.utf8("data: null\n\n");

    private static final byte[] DONE = Json.utf8("data: [DONE]\n\n");

    private final Map<String, Function<Call, Mono<Answer>>> routes = new HashMap<>();
    private final LlamaOptions options;
    private final StrictMode strict;
    private final SlotLoop loop;
    private final ServerAnswers answers;
    private final @Nullable SlotFile files;
    private final Ticker ticker;

    LlamaRoutes(LlamaOptions options, StrictMode strict, SlotLoop loop, ServerAnswers answers, Ticker ticker) {
        this.options = options;
        this.strict = strict;
        this.loop = loop;
        this.answers = answers;
        this.files = options.slotFolder() == null ? null : new SlotFile(options.slotFolder(), options.modelName());
        this.ticker = ticker;
        addServer();
        addGeneration();
        routes.put("POST /props", call -> Mono.error(LlamaError.notSupported("changing global properties", "--props")));
        for (String path : List.of("/v1/embeddings", "/embeddings", "/embedding")) {
            routes.put("POST " + path, call -> Mono.error(LlamaError.notSupported("embeddings", "--embeddings")));
        }
        for (String path : List.of("/v1/rerank", "/rerank", "/v1/reranking", "/reranking")) {
            routes.put("POST " + path, call -> Mono.error(LlamaError.notSupported("reranking", "--reranking")));
        }
    }

    /** Returns the answer to a request with a query; a failed check comes as a {@link LlamaError}. */
    Mono<Answer> answer(Call call, String query) {
        return Mono.defer(() -> route(call, query));
    }

    static Answer error(LlamaError e) {
        return json(e.status(), e.json());
    }

    static Answer json(int status, JsonNode body) {
        return new Answer.Whole(status, JSON, Json.bytes(body), List.of());
    }

    /** Returns an error of the HTTP layer, which orders the fields in another way. */
    static Answer edgeError(int status, String type, String message) {
        ObjectNode body = Json.object();
        body.putObject("error").put("message", message).put("type", type).put("code", status);
        return json(status, body);
    }

    private Mono<Answer> route(Call call, String query) {
        Matcher slot = SLOT_PATH.matcher(call.path());
        if (call.method().equals("POST") && slot.matches()) {
            return slotAction(slot.group(1), query, call);
        }
        String method = call.method().equals("HEAD") ? "GET" : call.method();
        Function<Call, Mono<Answer>> route = routes.get(method + " " + call.path());
        return route == null ? Mono.just(edgeError(404, "not_found_error", "File Not Found")) : route.apply(call);
    }

    private void addServer() {
        for (String path : List.of("/health", "/v1/health")) {
            routes.put("GET " + path, call -> ok(Json.object().put("status", "ok")));
        }
        for (String path : List.of("/v1/models", "/models")) {
            routes.put("GET " + path, call -> ok(answers.models()));
        }
        routes.put("GET /props", call -> ok(answers.props()));
        routes.put("GET /slots", call -> slots());
        routes.put("GET /metrics", call -> metrics());
        routes.put("POST /tokenize", call -> ok(tokenized(LlamaBody.parse(call.body()))));
        routes.put("POST /detokenize", call -> ok(detokenized(LlamaBody.parse(call.body()))));
        routes.put("POST /apply-template", call -> {
            int[] tokens = reader(call).conversation();
            return ok(Json.object().put("prompt", Tokenizer.TOY.decode(tokens)));
        });
        routes.put("POST /v1/messages/count_tokens", call -> {
            int[] tokens = reader(call).messagesPrompt();
            return ok(Json.object().put("input_tokens", tokens.length));
        });
    }

    private void addGeneration() {
        for (String path : List.of("/v1/chat/completions", "/chat/completions")) {
            routes.put("POST " + path, call -> {
                LlamaRequest request = reader(call).chat();
                return generate(call, request, new OpenAiWriter(true, request, options.alias(), call.nowSeconds()));
            });
        }
        routes.put("POST /v1/completions", call -> {
            LlamaRequest request = reader(call).completion();
            return generate(call, request, new OpenAiWriter(false, request, options.alias(), call.nowSeconds()));
        });
        routes.put("POST /v1/messages", call -> {
            LlamaRequest request = reader(call).messages();
            return generate(call, request, new MessagesWriter(options.alias()));
        });
        routes.put("POST /v1/responses", call -> {
            LlamaRequest request = reader(call).responses();
            return generate(call, request, new ResponsesWriter(options.alias(), call.nowSeconds()));
        });
    }

    private RequestReader reader(Call call) {
        return new RequestReader(LlamaBody.parse(call.body()), options, strict);
    }

    private static Mono<Answer> ok(JsonNode body) {
        return Mono.just(json(200, body));
    }

    private Mono<Answer> slots() {
        if (!options.slotsShown()) {
            throw LlamaError.notSupported("slots endpoint", "--slots");
        }
        return loop.inspect(answers::slots).map(list -> json(200, list));
    }

    private Mono<Answer> metrics() {
        if (!options.metricsShown()) {
            throw LlamaError.notSupported("metrics endpoint", "--metrics");
        }
        return loop.inspect(slots -> {
                    int processing = (int) slots.stream().filter(Slot::busy).count();
                    return loop.metrics().text(processing, loop.deferred());
                })
                .map(answers::metrics);
    }

    private static ObjectNode tokenized(LlamaBody body) {
        ObjectNode answer = Json.object();
        ArrayNode list = answer.putArray("tokens");
        JsonNode content = body.get("content");
        boolean pieces = body.flag("with_pieces", false);
        for (int token : Tokenizer.TOY.encode(content == null ? "" : content.asString(""))) {
            if (pieces) {
                list.addObject().put("id", token).put("piece", Tokenizer.TOY.decode(new int[] {token}));
            } else {
                list.add(token);
            }
        }
        return answer;
    }

    private static ObjectNode detokenized(LlamaBody body) {
        int[] tokens = RequestReader.tokens(body.list("tokens"));
        return Json.object().put("content", Tokenizer.TOY.decode(tokens));
    }

    private Mono<Answer> generate(Call call, LlamaRequest request, LlamaWriter writer) {
        long queued = ticker.nanoTime();
        Flux<SlotTask.Event> events = loop.generate(request).doOnNext(event -> {
            if (event instanceof SlotTask.Piece piece && piece.index() == 0 && piece.position() == 0) {
                call.noteFirstToken(new FirstToken(queued, queued, ticker.nanoTime(), piece.cachedTokens()));
            }
        });
        if (!request.stream()) {
            return events.ofType(SlotTask.Result.class)
                    .sort(Comparator.comparingInt(SlotTask.Result::index))
                    .collectList()
                    .map(results -> json(200, writer.whole(results)));
        }
        Flux<byte[]> chunks = events.publishOn(call.eventLoop())
                .map(event -> switch (event) {
                    case SlotTask.Piece piece -> writer.piece(piece);
                    case SlotTask.Result result -> writer.end(result);
                })
                .filter(text -> !text.isEmpty())
                .map(Json::utf8);
        if (request.prompts().size() > 1) {
            chunks = chunks.startWith(NOTHING);
        }
        return Mono.just(new Answer.Stream(writer.marksEnd() ? chunks.concatWithValues(DONE) : chunks));
    }

    private Mono<Answer> slotAction(String idText, String query, Call call) {
        if (files == null) {
            throw LlamaError.notSupported("slots action", "--slot-save-path");
        }
        Matcher number = SLOT_ID.matcher(idText);
        if (!number.matches()) {
            throw LlamaError.invalid("Invalid slot ID");
        }
        int id = Integer.parseInt(number.group(1));
        strict.refuseIf(
                id < 0 || id >= options.slots(),
                StrictMode.Rule.SLOT_OUT_OF_RANGE,
                "slot " + id + " of " + options.slots());
        Mono<ObjectNode> done = switch (action(query)) {
            case "save" -> save(files, id, fileName(call));
            case "restore" -> restore(files, id, fileName(call));
            case "erase" -> loop.whenIdle(id, slot -> erase(id, slot));
            default -> throw LlamaError.invalid("Invalid action");
        };
        return done.map(body -> json(200, body));
    }

    private static String action(String query) {
        for (String parameter : query.split("&", -1)) {
            if (parameter.startsWith("action=")) {
                return parameter.substring("action=".length());
            }
        }
        return "";
    }

    private static String fileName(Call call) {
        String name = LlamaBody.parse(call.body()).text("filename");
        if (!SlotFile.nameAllowed(name)) {
            throw LlamaError.invalid("Invalid filename");
        }
        return name;
    }

    private Mono<ObjectNode> save(SlotFile store, int id, String name) {
        return loop.whenIdle(id, slot -> {
            strict.refuseIf(
                    slot.streamedPrefill,
                    StrictMode.Rule.STREAMED_PREFILL,
                    "slot " + id + " was filled by a streamed request for one token");
            long start = ticker.nanoTime();
            try {
                long written = store.write(name, slot.snapshot());
                ObjectNode body = Json.object()
                        .put("id_slot", id)
                        .put("filename", name)
                        .put("n_saved", slot.size())
                        .put("n_written", written);
                return timed(body, "save_ms", start);
            } catch (IOException e) {
                throw LlamaError.server("Unable to save slot");
            }
        });
    }

    private Mono<ObjectNode> restore(SlotFile store, int id, String name) {
        return loop.whenIdle(id, slot -> {
            long start = ticker.nanoTime();
            slot.keep(0);
            SlotFile.Loaded loaded = store.read(name);
            if (loaded == null || loaded.content().tokens().length > options.slotContext()) {
                throw LlamaError.invalid(
                        "Unable to restore slot: No available space in KV cache or invalid slot save file");
            }
            strict.refuseIf(
                    !loaded.model().equals(options.modelName()),
                    StrictMode.Rule.FOREIGN_FILE,
                    name + " holds KV of " + loaded.model());
            slot.fill(loaded.content());
            ObjectNode body = Json.object()
                    .put("id_slot", id)
                    .put("filename", name)
                    .put("n_restored", slot.size())
                    .put("n_read", loaded.bytes());
            return timed(body, "restore_ms", start);
        });
    }

    private static ObjectNode erase(int id, Slot slot) {
        int held = slot.size();
        slot.keep(0);
        return Json.object().put("id_slot", id).put("n_erased", held);
    }

    private ObjectNode timed(ObjectNode body, String name, long startNanos) {
        long micros = (ticker.nanoTime() - startNanos) / 1_000;
        body.putObject("timings").put(name, micros / 1e3);
        return body;
    }
}
