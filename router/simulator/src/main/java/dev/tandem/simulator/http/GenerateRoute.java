// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import dev.tandem.simulator.engine.Engine;
import dev.tandem.simulator.engine.TokenListener;
import dev.tandem.simulator.engine.TokenListener.FirstToken;
import dev.tandem.simulator.generate.AnswerWriter;
import dev.tandem.simulator.generate.GenerateApi;
import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.generate.Generation;
import dev.tandem.simulator.generate.Piece;
import dev.tandem.simulator.nixl.StrictRules;
import dev.tandem.simulator.transfer.Asked;
import dev.tandem.simulator.transfer.Claim;
import dev.tandem.simulator.transfer.Connector;
import dev.tandem.simulator.transfer.Leg;
import dev.tandem.simulator.wire.Fields;
import dev.tandem.simulator.wire.Json;
import dev.tandem.simulator.wire.Rejection;
import dev.tandem.simulator.wire.Served;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Runs text generation requests in the engine. Thread-safe; cancelling the answer aborts the request. */
final class GenerateRoute {
    private static final String DEAD = "EngineCore encountered an issue. See stack trace (above) for the root cause.";

    private final Engine engine;
    private final Served served;
    private final @Nullable Connector connector;
    private final boolean strict;

    GenerateRoute(Engine engine, Served served, @Nullable Connector connector, boolean strict) {
        this.engine = engine;
        this.served = served;
        this.connector = connector;
        this.strict = strict;
    }

    Mono<Answer> answer(GenerateApi api, Call call) {
        Fields fields = Fields.parse(call.body());
        Asked asked = new Asked(fields.body(), call::header, call.faultNames());
        if (strict) {
            check(asked, call);
        }
        String id = id(api, fields, call.header("x-request-id"));
        GenerateRequest read = api.read(fields, served, id, call.nowSeconds());
        GenerateRequest request = connector == null ? read : connector.runs(read);
        fields.dictionary("kv_transfer_params"); // refuses what is no object
        Mono<Answer> answer = Mono.defer(() -> {
            Leg leg = connector == null ? Leg.NONE : connector.leg(asked, request);
            return generated(request, api.writer(request, served, fields), leg, call);
        });
        Claim claim = strict && connector != null ? connector.claim(asked, request) : null;
        return claim == null ? answer : claimed(claim, call).then(answer);
    }

    private void check(Asked asked, Call call) {
        String violation = connector == null ? StrictRules.withoutConnector(asked.body()) : connector.violation(asked);
        if (violation != null) {
            throw call.violation(violation);
        }
    }

    /** Asks another engine, which blocks; if the client leaves meanwhile, that engine need not keep anything. */
    private static Mono<Void> claimed(Claim claim, Call call) {
        return Mono.create(sink -> {
            AtomicBoolean left = new AtomicBoolean();
            sink.onCancel(() -> left.set(true));
            Thread.startVirtualThread(() -> {
                String violation = claim.judge();
                if (left.get()) {
                    claim.giveBack();
                } else if (violation == null) {
                    sink.success();
                } else {
                    sink.error(call.violation(violation));
                }
            });
        });
    }

    private Mono<Answer> generated(GenerateRequest request, AnswerWriter writer, Leg leg, Call call) {
        if (request.streaming().stream()) {
            Flux<Piece> pieces = Flux.create(sink -> stream(request, leg, call, sink));
            return Mono.just(new Answer.Stream(pieces.publishOn(call.eventLoop())
                    .concatMapIterable(writer::events)
                    .onErrorResume(Rejection.class, failed -> Flux.just(errorEvent(failed), done()))));
        }
        return Mono.<List<Piece>>create(sink -> whole(request, leg, call, sink))
                .map(pieces -> Answer.json(200, withParams(writer.whole(pieces), leg.params(pieces))));
    }

    private static JsonNode withParams(JsonNode body, @Nullable ObjectNode params) {
        if (params != null && body instanceof ObjectNode object) {
            object.set("kv_transfer_params", params);
        }
        return body;
    }

    private static String id(GenerateApi api, Fields fields, @Nullable String header) {
        String asked = fields.string("request_id");
        String id = header != null ? header : asked;
        return api.idPrefix()
                + (id != null
                        ? id
                        : UUID.randomUUID().toString().replace("-", "").substring(16));
    }

    private void stream(GenerateRequest request, Leg leg, Call call, FluxSink<Piece> sink) {
        Generation generation = Generation.start(engine, request, leg::handover, new Generation.Receiver() {
            @Override
            public void onFirstToken(FirstToken first) {
                call.noteFirstToken(first);
            }

            @Override
            public void onPiece(Piece piece) {
                sink.next(piece);
            }

            @Override
            public void onCompleted() {
                leg.completed().whenComplete((done, failed) -> sink.complete());
            }

            @Override
            public void onFailed(TokenListener.Failure failure) {
                sink.error(rejection(failure));
            }
        });
        sink.onCancel(generation::abort).onDispose(leg::ended);
    }

    private void whole(GenerateRequest request, Leg leg, Call call, MonoSink<List<Piece>> sink) {
        List<Piece> pieces = new ArrayList<>();
        Generation generation = Generation.start(engine, request, leg::handover, new Generation.Receiver() {
            @Override
            public void onFirstToken(FirstToken first) {
                call.noteFirstToken(first);
            }

            @Override
            public void onPiece(Piece piece) {
                pieces.add(piece);
            }

            @Override
            public void onCompleted() {
                leg.completed().whenComplete((done, failed) -> sink.success(pieces));
            }

            @Override
            public void onFailed(TokenListener.Failure failure) {
                sink.error(rejection(failure));
            }
        });
        sink.onCancel(generation::abort).onDispose(leg::ended);
    }

    private static Rejection rejection(TokenListener.Failure failure) {
        return switch (failure) {
            case ENGINE_DEAD -> new Rejection(500, "InternalServerError", DEAD, null);
            case KV_LOAD -> new Rejection(500, "InternalServerError", "Internal server error", null);
        };
    }

    /** The event that tells of a dead engine after the headers have left. */
    static byte[] deadEvent() {
        return errorEvent(rejection(TokenListener.Failure.ENGINE_DEAD));
    }

    /** vLLM writes such events with another JSON writer than the rest: with spaces. */
    private static byte[] errorEvent(Rejection failure) {
        return Json.utf8("data: {\"error\": {\"message\": \"" + failure.getMessage()
                + "\", \"type\": \"InternalServerError\", \"param\": null, \"code\": 500}}\n\n");
    }

    static byte[] done() {
        return Json.utf8("data: [DONE]\n\n");
    }
}
