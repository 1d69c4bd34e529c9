// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.lifecycle.Outcome;
import dev.tandem.core.time.FakeTicker;
import dev.tandem.gateway.answer.EngineAnswer;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;

/** Who gives up an answer that nobody reads: its client may leave while it is on its way from the engine. */
class RequestScopeTest {
    private final AtomicInteger givenUp = new AtomicInteger();
    private final EngineAnswer answer =
            new EngineAnswer(200, EmptyHttpHeaders.INSTANCE, Flux.empty(), givenUp::incrementAndGet);
    private final RequestScope scope = PlannerTest.scope(new FakeTicker());

    @Test
    void anAnswerThatNobodyHasReadIsGivenUpAtTheEnd() {
        scope.answered(answer);
        assertThat(givenUp).hasValue(0);

        scope.settle(new Outcome.ClientLeft());
        assertThat(givenUp).hasValue(1);
    }

    @Test
    void anAnswerThatComesBehindTheEndIsGivenUpAtOnce() {
        scope.settle(new Outcome.ClientLeft());
        scope.answered(answer);

        assertThat(givenUp).hasValue(1);
    }

    @Test
    void anAnswerThatSomebodyReadsIsHis() {
        scope.answered(answer);
        answer.body().blockLast();
        scope.settle(new Outcome.Completed());

        assertThat(givenUp).hasValue(0);
    }
}
