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
import dev.tandem.simulator.transfer.Claimed;
import dev.tandem.simulator.transfer.Connector;
import dev.tandem.simulator.transfer.Leg;
import dev.tandem.simulator.wire.Fields;
import dev.tandem.simulator.wire.Json;
import dev.tandem.simulator.wire.Rejection;
import dev.tandem.simulator.wire.Served;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.BooleanSupplier;
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
        Claim claim = strict && connector != null ? connector.claim(asked, request) : null;
        if (claim == null) {
            return Mono.defer(
                    () -> generated(api.writer(request, served, fields), task(asked, request, call, () -> true)));
        }
        Claimed claimed = new Claimed(claim, Thread::startVirtualThread);
        BooleanSupplier begins = watched(claimed, call);
        return judged(claimed, call)
                .then(Mono.defer(
                        () -> generated(api.writer(request, served, fields), task(asked, request, call, begins))));
    }

    private Task task(Asked asked, GenerateRequest request, Call call, BooleanSupplier begins) {
        return new Task(request, connector == null ? Leg.NONE : connector.leg(asked, request), call, begins);
    }

    private void check(Asked asked, Call call) {
        String violation = connector == null ? StrictRules.withoutConnector(asked.body()) : connector.violation(asked);
        if (violation != null) {
            throw call.violation(violation);
        }
    }

    /** Asks another engine, which blocks. */
    private static Mono<Void> judged(Claimed claimed, Call call) {
        return Mono.create(sink -> Thread.startVirtualThread(() -> {
            String violation = claimed.judge();
            if (violation == null) {
                sink.success();
            } else {
                sink.error(call.violation(violation));
            }
        }));
    }

    /** The client may leave until its request begins; returns what begins it, false when it has left. */
    private static BooleanSupplier watched(Claimed claimed, Call call) {
        ChannelFuture closed = call.channel().closeFuture();
        ChannelFutureListener onClosed = future -> claimed.leave();
        closed.addListener(onClosed);
        return () -> {
            closed.removeListener(onClosed);
            return claimed.begin();
        };
    }

    private Mono<Answer> generated(AnswerWriter writer, Task task) {
        if (task.request().streaming().stream()) {
            Flux<Piece> pieces = Flux.create(sink -> stream(task, sink));
            return Mono.just(new Answer.Stream(pieces.publishOn(task.call().eventLoop())
                    .concatMapIterable(writer::events)
                    .onErrorResume(Rejection.class, failed -> Flux.just(errorEvent(failed), done()))));
        }
        return Mono.<List<Piece>>create(sink -> whole(task, sink))
                .map(pieces -> Answer.json(
                        200, withParams(writer.whole(pieces), task.leg().params(pieces))));
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

    private void stream(Task task, FluxSink<Piece> sink) {
        if (!task.begins().getAsBoolean()) {
            return;
        }
        Leg leg = task.leg();
        Generation generation = Generation.start(engine, task.request(), leg::handover, new Generation.Receiver() {
            @Override
            public void onFirstToken(FirstToken first) {
                task.call().noteFirstToken(first);
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

    private void whole(Task task, MonoSink<List<Piece>> sink) {
        if (!task.begins().getAsBoolean()) {
            return;
        }
        Leg leg = task.leg();
        List<Piece> pieces = new ArrayList<>();
        Generation generation = Generation.start(engine, task.request(), leg::handover, new Generation.Receiver() {
            @Override
            public void onFirstToken(FirstToken first) {
                task.call().noteFirstToken(first);
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

    /**
     * A request that is to run.
     *
     * @param call the call that asks for it
     * @param begins begins it; false when nobody waits for it any more
     */
    private record Task(GenerateRequest request, Leg leg, Call call, BooleanSupplier begins) {}
}
