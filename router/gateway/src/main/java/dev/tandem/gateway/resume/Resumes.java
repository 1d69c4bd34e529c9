// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.resume;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.lifecycle.RequestListener.ResumeResult;
import dev.tandem.core.request.ApiKind;
import dev.tandem.gateway.answer.EngineAnswer;
import dev.tandem.gateway.answer.WholeEvents;
import dev.tandem.gateway.body.RequestBody;
import dev.tandem.gateway.body.Resumable;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/**
 * Makes streams survive their workers ({@code tandem.stream.resume}): the client sees one stream, no token of which is
 * lost, doubled or another. Thread-safe.
 */
public final class Resumes {
    private static final Logger LOG = LoggerFactory.getLogger(Resumes.class);

    private final ResumeSettings settings;
    private final RequestListener listener;

    /** Makes the feature, on or off. */
    public Resumes(ResumeSettings settings, RequestListener listener) {
        this.settings = settings;
        this.listener = listener;
    }

    /** Returns what has to be known of a request for which this is to be done; empty when it is not, or cannot be. */
    public Optional<Resumable> of(ApiKind api, boolean streaming, RequestBody body) {
        return settings.mode() != ResumeMode.OFF && streaming ? Resumable.of(api, body) : Optional.empty();
    }

    /**
     * Returns what a worker is asked for: the ids of its tokens, too, unless it is of a kind that tells none.
     *
     * <p>Not asked are llama-server, which has no such field, and SGLang for chats, which it refuses then; vLLM and
     * SGLang before they knew the field pass over it. Source: vLLM 0.10.2, sgl-project/sglang#30917 of 2026-07,
     * llama.cpp b11669.
     *
     * @param engine what the worker is, or null when nobody knows
     */
    public static BodyEdits tellingIds(BodyEdits asked, ApiKind api, EngineFacts.@Nullable Kind engine) {
        return tellsIds(api, engine) ? asked.and(Resumable.TELLING_IDS) : asked;
    }

    private static boolean tellsIds(ApiKind api, EngineFacts.@Nullable Kind engine) {
        return engine == null
                || switch (engine) {
                    case VLLM -> true;
                    case SGLANG -> api == ApiKind.COMPLETIONS;
                    case LLAMA_SERVER -> false;
                };
    }

    /**
     * Returns an answer that goes on when its worker dies.
     *
     * @param answer a successful stream
     * @param api what the client has asked for
     * @param engine what the worker is, or null when nobody knows; of an engine that tells no ids a sampled answer
     *     passes as it is
     */
    public EngineAnswer lasting(
            EngineAnswer answer,
            ApiKind api,
            EngineFacts.@Nullable Kind engine,
            Resumable request,
            Successor successor) {
        if (!tellsIds(api, engine) && !request.greedy()) {
            return answer;
        }
        Run run = new Run(new Transcript(api, request, settings), api, successor);
        return answer.streaming(run.stream(answer), answer::abandon);
    }

    /** One stream, over all its workers. */
    private final class Run {
        private final Transcript transcript;
        private final ApiKind api;
        private final Successor successor;
        private int resumes;

        private Run(Transcript transcript, ApiKind api, Successor successor) {
            this.transcript = transcript;
            this.api = api;
            this.successor = successor;
        }

        private Flux<ByteBuf> stream(EngineAnswer answer) {
            return WholeEvents.in(answer.body())
                    .<ByteBuf>handle(transcript::pass)
                    .concatWith(Flux.defer(this::requireEnd))
                    .onErrorResume(FailureException.class, this::goOn);
        }

        private Flux<ByteBuf> requireEnd() {
            return transcript.complete()
                    ? Flux.empty()
                    : Flux.error(
                            new FailureException(Failure.STREAM_INTERRUPTED, "the worker ended its stream too early"));
        }

        private Flux<ByteBuf> goOn(FailureException died) {
            if (transcript.complete()) {
                return Flux.empty();
            }
            Continuation next = resumes++ < settings.limit()
                    ? transcript.next(successor.contextTokens())
                    : new Continuation.Impossible("it has been resumed often enough");
            return switch (next) {
                case Continuation.Behind(ApiKind asked, BodyEdits edits) -> ask(died, asked, edits);
                case Continuation.FromStart() -> ask(died, api, BodyEdits.NONE);
                case Continuation.End(String events) -> {
                    listener.onResume(ResumeResult.RESUMED);
                    yield Flux.just(Unpooled.copiedBuffer(events, WholeEvents.BYTES));
                }
                case Continuation.Impossible(String why) -> {
                    LOG.debug("stream not resumed: {}", why);
                    yield given(died, ResumeResult.REFUSED);
                }
            };
        }

        /** Asks as if from outside: the response that is being written releases all that is discarded upstream. */
        private Flux<ByteBuf> ask(FailureException died, ApiKind asked, BodyEdits edits) {
            return successor
                    .ask(died, asked, edits)
                    .contextWrite(ofResponse -> Context.empty())
                    .flatMap(answer -> answer.successful() ? Mono.just(answer) : refused(answer))
                    .doOnNext(answer -> listener.onResume(ResumeResult.RESUMED))
                    .map(this::stream)
                    .onErrorResume(FailureException.class, failure -> Mono.just(given(died, ResumeResult.FAILED)))
                    .flatMapMany(stream -> stream);
        }

        private static Mono<EngineAnswer> refused(EngineAnswer answer) {
            answer.abandon();
            return Mono.error(new FailureException(Failure.ENGINE_REJECTED, "the worker answered " + answer.status()));
        }

        private Flux<ByteBuf> given(FailureException died, ResumeResult result) {
            listener.onResume(result);
            return Flux.error(died);
        }
    }
}
