// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import dev.tandem.gateway.answer.EngineAnswer;
import dev.tandem.gateway.body.BodyEditor;
import dev.tandem.gateway.body.RequestBody;
import dev.tandem.gateway.body.RequestBody.Passthrough;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.util.ReferenceCountUtil;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Runs decode legs whose clients have left, so that decode workers let go of KV caches that wait for them without any
 * time-out. Thread-safe; the legs belong to no request any more.
 */
public final class Drains implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Drains.class);
    private static final int MOST = 256;
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final EngineClient engines;
    private final AtomicInteger running = new AtomicInteger();
    private final Sinks.Empty<Void> closed = Sinks.empty();

    /** Makes a runner of such legs. */
    public Drains(EngineClient engines) {
        this.engines = engines;
    }

    /**
     * Runs a leg and drops its answer. The body of its request may be released meanwhile.
     *
     * @param onFailed called when the worker has not let go
     * @return false when too many run already, and the leg is not sent
     */
    boolean start(LegRequest request, Runnable onFailed) {
        if (running.incrementAndGet() > MOST) {
            running.decrementAndGet();
            return false;
        }
        engines.send(ownBody(request))
                .flatMap(Drains::read)
                .timeout(PATIENCE)
                .takeUntilOther(closed.asMono())
                .doFinally(signal -> running.decrementAndGet())
                .subscribe(ended -> {}, failure -> {
                    LOG.warn(
                            "drain failed worker={} reason=\"{}\"",
                            request.leg().worker().id(),
                            failure.getMessage());
                    onFailed.run();
                });
        return true;
    }

    private static Mono<Void> read(EngineAnswer answer) {
        return answer.successful()
                ? answer.body().doOnNext(ReferenceCountUtil::release).then()
                : DecodeLegs.refusal(answer).then();
    }

    /** Ends all legs. */
    @Override
    public void close() {
        closed.tryEmitEmpty();
    }

    private static LegRequest ownBody(LegRequest request) {
        return switch (request.body()) {
            case RequestBody.Json json -> {
                ByteBuf edited = BodyEditor.apply(json, request.leg().body());
                ByteBuf own = Unpooled.copiedBuffer(edited);
                edited.release();
                yield request.of(new Passthrough(json.contentType(), own.readableBytes(), Flux.just(own)));
            }
            case Passthrough sent -> request;
        };
    }
}
