// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import dev.tandem.simulator.engine.Engine;
import dev.tandem.simulator.generate.AnswerWriter;
import dev.tandem.simulator.generate.GenerateApi;
import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.generate.Generation;
import dev.tandem.simulator.generate.Piece;
import dev.tandem.simulator.wire.Fields;
import dev.tandem.simulator.wire.Json;
import dev.tandem.simulator.wire.Rejection;
import dev.tandem.simulator.wire.Served;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/** Runs text generation requests in the engine. Thread-safe; cancelling the answer aborts the request. */
final class GenerateRoute {
    private final Engine engine;
    private final Served served;

    GenerateRoute(Engine engine, Served served) {
        this.engine = engine;
        this.served = served;
    }

    Mono<Answer> answer(GenerateApi api, Call call) {
        Fields fields = Fields.parse(call.body());
        String id = id(api, fields, call.header("x-request-id"));
        GenerateRequest request = api.read(fields, served, id, call.nowSeconds());
        AnswerWriter writer = api.writer(request, served, fields);
        if (request.streaming().stream()) {
            Flux<Piece> pieces = Flux.create(sink -> stream(request, sink));
            return Mono.just(new Answer.Stream(pieces.publishOn(call.eventLoop())
                    .concatMapIterable(writer::events)
                    .onErrorResume(EngineDead.class, dead -> Flux.just(deadEvent(), done()))));
        }
        return Mono.<List<Piece>>create(sink -> whole(request, sink))
                .map(pieces -> Answer.json(200, writer.whole(pieces)));
    }

    private static String id(GenerateApi api, Fields fields, @Nullable String header) {
        String asked = fields.string("request_id");
        String id = header != null ? header : asked;
        return api.idPrefix()
                + (id != null
                        ? id
                        : UUID.randomUUID().toString().replace("-", "").substring(16));
    }

    private void stream(GenerateRequest request, FluxSink<Piece> sink) {
        Generation generation = Generation.start(engine, request, new Generation.Receiver() {
            @Override
            public void onPiece(Piece piece) {
                sink.next(piece);
            }

            @Override
            public void onCompleted() {
                sink.complete();
            }

            @Override
            public void onFailed() {
                sink.error(new EngineDead());
            }
        });
        sink.onCancel(generation::abort);
    }

    private void whole(GenerateRequest request, MonoSink<List<Piece>> sink) {
        List<Piece> pieces = new ArrayList<>();
        Generation generation = Generation.start(engine, request, new Generation.Receiver() {
            @Override
            public void onPiece(Piece piece) {
                pieces.add(piece);
            }

            @Override
            public void onCompleted() {
                sink.success(pieces);
            }

            @Override
            public void onFailed() {
                String message = "EngineCore encountered an issue. See stack trace (above) for the root cause.";
                sink.error(new Rejection(500, "InternalServerError", message, null));
            }
        });
        sink.onCancel(generation::abort);
    }

    /** The event that tells of a failure after the headers have left; vLLM writes it with spaces. */
    static byte[] deadEvent() {
        return Json.utf8("data: {\"error\": {\"message\": \"EngineCore encountered an issue. See stack trace (above)"
                + " for the root cause.\", \"type\": \"InternalServerError\", \"param\": null, \"code\": 500}}\n\n");
    }

    static byte[] done() {
        return Json.utf8("data: [DONE]\n\n");
    }

    /** The engine has failed while it generated. */
    private static final class EngineDead extends RuntimeException {
        private static final long serialVersionUID = 1;

        EngineDead() {
            super("engine is dead", null, false, false);
        }
    }
}
