// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.api;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.request.ApiKind;
import dev.tandem.gateway.admission.DirectMemory;
import dev.tandem.gateway.answer.EngineAnswer;
import dev.tandem.gateway.api.RequestReader.Head;
import dev.tandem.gateway.pipeline.ClientRequest;
import dev.tandem.gateway.pipeline.RequestPipeline;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SignalType;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;

/** Serves the APIs of engines: reads the request and sends it down the pipeline. Thread-safe. */
public final class InferenceHandler {
    private static final Logger LOG = LoggerFactory.getLogger(InferenceHandler.class);

    private final DirectMemory memory;
    private final RequestReader reader;
    private final RequestPipeline pipeline;
    private final ErrorWriter errors;
    private final RequestIds ids;

    /** Makes a handler. */
    public InferenceHandler(
            DirectMemory memory, RequestReader reader, RequestPipeline pipeline, ErrorWriter errors, RequestIds ids) {
        this.memory = memory;
        this.reader = reader;
        this.pipeline = pipeline;
        this.errors = errors;
        this.ids = ids;
    }

    Mono<Void> handle(ApiKind api, HttpServerRequest http, HttpServerResponse response) {
        Head head = reader.head(http, api, ids.next());
        return handle(head, reader.read(head, http), response, UnaryOperator.identity());
    }

    /** Serves a request once it has been read, which it is only if there is memory for it. */
    Mono<Void> handle(
            Head head, Mono<ClientRequest> reading, HttpServerResponse response, UnaryOperator<EngineAnswer> rewrite) {
        return memory.before(reading)
                .map(ReadResult::of)
                .onErrorResume(thrown -> Mono.just(new ReadResult.Refused(failure(head, thrown))))
                .doFinally(signal -> noteLeft(head, signal))
                .flatMap(read -> switch (read) {
                    case ReadResult.Read(ClientRequest request) ->
                        pipeline.serve(
                                request, response, failure -> errors.write(response, head.api(), failure), rewrite);
                    case ReadResult.Refused(FailureException failure) -> refuse(head, response, failure);
                });
    }

    private static FailureException failure(Head head, Throwable thrown) {
        if (thrown instanceof FailureException known) {
            return known;
        }
        LOG.error("request could not be read id={}", head.id(), thrown);
        return new FailureException(Failure.INTERNAL, "the gateway failed to read the request", thrown);
    }

    /** A client that leaves inside its body cancels the reading; what was read before is given back by then. */
    private void noteLeft(Head head, SignalType signal) {
        if (signal == SignalType.CANCEL) {
            pipeline.refused(head.id(), head.api(), Failure.CLIENT_LEFT, reader.elapsedNanos(head));
        }
    }

    /** Answers a request that never became one. */
    private Mono<Void> refuse(Head head, HttpServerResponse response, FailureException failure) {
        pipeline.refused(head.id(), head.api(), failure.failure(), reader.elapsedNanos(head));
        if (failure.failure() == Failure.CLIENT_LEFT) {
            return Mono.empty();
        }
        response.responseHeaders().set("x-request-id", head.id());
        return errors.write(response, head.api(), failure);
    }

    /** What reading a request came to. */
    private sealed interface ReadResult {
        static ReadResult of(ClientRequest request) {
            return new Read(request);
        }

        record Read(ClientRequest request) implements ReadResult {}

        record Refused(FailureException failure) implements ReadResult {}
    }
}
