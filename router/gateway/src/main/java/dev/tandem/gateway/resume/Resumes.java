// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.resume;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
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
        return settings.enabled() && streaming ? Resumable.of(api, body) : Optional.empty();
    }

    /**
     * Returns an answer that goes on when its worker dies.
     *
     * @param answer a successful stream, whose worker tells the ids of its tokens
     * @param api what the client has asked for
     */
    public EngineAnswer lasting(EngineAnswer answer, ApiKind api, Resumable request, Successor successor) {
        Run run = new Run(new Transcript(api, request, settings.maxTokens()), api, successor);
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
                case Continuation.Behind(BodyEdits edits) -> ask(died, ApiKind.COMPLETIONS, edits);
                case Continuation.FromStart() -> ask(died, api, Resumable.TELLING_IDS);
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
