// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.answer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;

class EngineAnswerTest {
    private static final String JSON =
            "{\"id\":\"inner\",\"usage\":{\"prompt_tokens\":300,\"prompt_tokens_details\":{\"cached_tokens\":256}}}";

    private final ByteBuf body = Unpooled.copiedBuffer(JSON, UTF_8);

    private static List<Substitution> changes() {
        return List.of(
                Substitution.ofText("inner", "a-longer-id"),
                Substitution.ofNumber("\"prompt_tokens_details\":{\"cached_tokens\":", () -> 0));
    }

    private EngineAnswer answer() {
        HttpHeaders headers = new DefaultHttpHeaders().set("content-length", JSON.length());
        return new EngineAnswer(200, headers, Flux.just(body), body::release);
    }

    private static String text(EngineAnswer answer) {
        ByteBuf all = Objects.requireNonNull(answer.all(10_000).block());
        String text = all.toString(UTF_8);
        all.release();
        return text;
    }

    @Test
    void aWholeAnswerIsShownWithItsNewLength() {
        EngineAnswer shown = answer().whole(body).shownWith(changes());
        long length = shown.contentLength();

        assertThat(text(shown)).hasSize((int) length).contains("a-longer-id", "\"cached_tokens\":0}");
        assertThat(body.refCnt()).isZero();
    }

    @Test
    void aReaderOfAWholeAnswerMayLeaveBeforeItAsks() {
        BaseSubscriber<ByteBuf> reader = new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(Subscription subscription) {
                // asks for nothing
            }
        };
        answer().whole(body).body().subscribe(reader);
        assertThat(body.refCnt()).isOne();

        reader.cancel();
        assertThat(body.refCnt()).isZero();
    }

    @Test
    void whatTheEngineSaidOfItsUsageStaysKnown() {
        EngineAnswer whole = answer().whole(body).shownWith(changes());
        assertThat(whole.usage().cachedTokens()).isEqualTo(256);
        whole.abandon();

        EngineAnswer streamed = new EngineAnswer(
                        200, new DefaultHttpHeaders(), Flux.just(Unpooled.copiedBuffer(JSON, UTF_8)), () -> {})
                .shownWith(changes());
        assertThat(streamed.usage()).isEqualTo(UsageReport.NONE);
        assertThat(text(streamed)).contains("\"cached_tokens\":0}");
        assertThat(streamed.usage().cachedTokens()).isEqualTo(256);
    }

    @Test
    void anAnswerThatIsReadLaterHasNoLength() {
        EngineAnswer shown = answer().shownWith(changes());

        assertThat(shown.contentLength()).isNegative();
        assertThat(text(shown)).contains("a-longer-id");
    }

    @Test
    void whatNobodyReadsIsGivenBackOnce() {
        EngineAnswer whole = answer().whole(body);
        EngineAnswer shown = whole.shownWith(changes());
        shown.abandon();
        whole.abandon();
        assertThat(body.refCnt()).isZero();
    }

    @Test
    void withoutChangesItIsTheSame() {
        EngineAnswer answer = answer();
        assertThat(answer.shownWith(List.of())).isSameAs(answer);
        answer.abandon();
    }
}
