// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.publisher.TestPublisher;

class PeekTest {
    private final List<ByteBuf> made = new ArrayList<>();
    private final TestPublisher<ByteBuf> engine = TestPublisher.create();

    private ByteBuf piece(String text) {
        ByteBuf piece = Unpooled.copiedBuffer(text, StandardCharsets.UTF_8);
        made.add(piece);
        return piece;
    }

    private static Mono<EngineAnswer> peek(Flux<ByteBuf> body) {
        return Peek.at(new EngineAnswer(200, new DefaultHttpHeaders(), body, () -> {}));
    }

    private static String read(ByteBuf piece) {
        String text = piece.toString(StandardCharsets.UTF_8);
        piece.release();
        return text;
    }

    private void assertAllReleased() {
        assertThat(made).allMatch(piece -> piece.refCnt() == 0);
    }

    @Test
    void everyPieceComesOnceAndInOrder() {
        EngineAnswer answer = peek(Flux.just(piece("d"), piece("ata: {}\n\n"), piece("data: [DONE]\n\n")))
                .block();

        assertThat(Objects.requireNonNull(answer)
                        .body()
                        .map(PeekTest::read)
                        .collectList()
                        .block())
                .containsExactly("d", "ata: {}\n\n", "data: [DONE]\n\n");
        assertAllReleased();
    }

    @Test
    void anAnswerOfAnEngineThatDoesNotStreamIsPassedOn() {
        EngineAnswer answer = peek(Flux.just(piece("{\"id\":"), piece("1}"))).block();

        assertThat(Objects.requireNonNull(answer)
                        .body()
                        .map(PeekTest::read)
                        .collectList()
                        .block())
                .containsExactly("{\"id\":", "1}");
        assertAllReleased();
    }

    @Test
    void nothingIsAskedForBeforeTheReaderAsks() {
        List<EngineAnswer> answers = new ArrayList<>();
        peek(engine.flux()).subscribe(answers::add);
        engine.next(piece("data: 1\n\n"));

        engine.assertMaxRequested(1);
        List<String> read = new ArrayList<>();
        answers.getFirst().body().map(PeekTest::read).limitRate(1).subscribe(read::add);
        engine.next(piece("data: 2\n\n"), piece("data: 3\n\n")).complete();

        assertThat(read).containsExactly("data: 1\n\n", "data: 2\n\n", "data: 3\n\n");
        engine.assertMaxRequested(1);
    }

    @Test
    void anErrorFrameIsAFailureAndEndsTheConnection() {
        Mono<EngineAnswer> peek = peek(engine.flux());
        List<Throwable> failures = new ArrayList<>();
        peek.subscribe(answer -> {}, failures::add);
        engine.next(piece("data: {\"error\": {}}\n\n"));

        assertThat(failures)
                .singleElement()
                .isInstanceOfSatisfying(
                        FailureException.class,
                        failure -> assertThat(failure.failure()).isEqualTo(Failure.ENGINE_ERROR));
        engine.assertCancelled();
        assertAllReleased();
    }

    @Test
    void aStreamThatBreaksOffBeforeItsFirstFrameHasFailed() {
        FailureException dropped = new FailureException(Failure.ENGINE_DROPPED, "closed");
        assertThatThrownBy(() -> peek(Flux.concat(Flux.just(piece("da")), Flux.error(dropped)))
                        .block())
                .isSameAs(dropped);
        assertThatThrownBy(() -> peek(Flux.empty()).block()).hasMessageContaining("before it began");
        assertThatThrownBy(() -> peek(Flux.just(piece("data: {\"id\":"))).block())
                .hasMessageContaining("before it began");
        assertThatThrownBy(() -> peek(Flux.just(piece("<html></html>"))).block())
                .hasMessageContaining("before it began");
        assertAllReleased();
    }

    @Test
    void howTheStreamEndedIsToldEvenWhenItEndedBeforeItWasRead() {
        List<EngineAnswer> answers = new ArrayList<>();
        peek(engine.flux()).subscribe(answers::add);
        engine.next(piece("data: 1\n\n")).error(new FailureException(Failure.ENGINE_DROPPED, "closed"));

        assertThatThrownBy(() -> answers.getFirst().body().map(PeekTest::read).blockLast())
                .hasMessage("closed");
        assertAllReleased();
    }

    @Test
    void whoeverGivesUpEndsTheConnection() {
        List<EngineAnswer> answers = new ArrayList<>();
        peek(engine.flux()).subscribe(answers::add);
        engine.next(piece("data: 1\n\n"));
        answers.getFirst().abandon();

        engine.assertCancelled();
        assertAllReleased();
    }

    @Test
    void aReaderThatLeavesEndsTheConnection() {
        List<EngineAnswer> answers = new ArrayList<>();
        peek(engine.flux()).subscribe(answers::add);
        engine.next(piece("data: 1\n\n"));
        answers.getFirst().body().map(PeekTest::read).subscribe().dispose();

        engine.assertCancelled();
        assertAllReleased();
    }

    @Test
    void aReaderThatLeavesBeforeItsFirstPieceEndsTheConnection() {
        List<EngineAnswer> answers = new ArrayList<>();
        peek(engine.flux()).subscribe(answers::add);
        engine.next(piece("data: 1\n\n"));
        answers.getFirst().body().subscribe(new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(Subscription subscription) {
                subscription.cancel();
            }
        });

        engine.assertCancelled();
        assertAllReleased();
    }

    @Test
    void aCancelledPeekEndsTheConnection() {
        peek(engine.flux()).subscribe().dispose();

        engine.assertCancelled();
    }

    @Test
    void aPeekThatIsGivenUpBeforeItBeginsTakesNothing() {
        peek(engine.flux()).subscribe(new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(Subscription subscription) {
                subscription.cancel();
            }
        });

        engine.assertCancelled();
    }
}
