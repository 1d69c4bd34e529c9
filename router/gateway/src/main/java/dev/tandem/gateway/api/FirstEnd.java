// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.api;

import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Passes on how a stream ends, once. Confined to one request.
 *
 * <p>Reactor Netty tells a reader that has asked for everything of a broken body twice: at once, and when the answer
 * has left. The second time would be logged as an error of ours. Source: FluxReceive of Reactor Netty 1.3.7.
 */
final class FirstEnd<T> implements CoreSubscriber<T> {
    private final CoreSubscriber<? super T> reader;
    private boolean ended;

    private FirstEnd(CoreSubscriber<? super T> reader) {
        this.reader = reader;
    }

    /** Returns the same stream with one end. */
    static <T> Flux<T> of(Flux<T> stream) {
        return stream.transform(Operators.<T, T>lift((source, reader) -> new FirstEnd<>(reader)));
    }

    @Override
    public Context currentContext() {
        return reader.currentContext();
    }

    @Override
    public void onSubscribe(Subscription subscription) {
        reader.onSubscribe(subscription);
    }

    @Override
    public void onNext(T piece) {
        reader.onNext(piece);
    }

    @Override
    public void onError(Throwable thrown) {
        if (!ended) {
            ended = true;
            reader.onError(thrown);
        }
    }

    @Override
    public void onComplete() {
        if (!ended) {
            ended = true;
            reader.onComplete();
        }
    }
}
