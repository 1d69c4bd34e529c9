// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.turn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.disagg.Handover.Carried;
import dev.tandem.core.disagg.KvConnectors;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Seat;
import dev.tandem.core.fleet.Worker;
import dev.tandem.gateway.answer.TokenIdFields;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Answers in the shape of vLLM 0.32.0 with {@code bidirectional_kv_xfer}, seen 2026-11-22. */
class TurnAnswerTest {
    private static final String PARAMS = """
            {"do_remote_prefill":false,"do_remote_decode":true,"remote_block_ids":[[14,15]],\
            "remote_engine_id":"9e1428e7","remote_request_id":"chatcmpl-9426b5746aed7a7c-8eb328d1",\
            "remote_host":"127.0.0.1","remote_port":5611,"tp_size":1,"dcp_size":1,"pp_size":1,\
            "remote_num_tokens":5,"remote_blocks_expiry_time":59497.964566791,"transfer_mode":"pull"}""";

    private static final String CHAT = """
            {"id":"chatcmpl-1","choices":[{"index":0,"message":{"role":"assistant",\
            "content":"say \\"token_ids\\":[1]"},"token_ids":[21,22,23]}],\
            "prompt_token_ids":[11,12,13],"kv_transfer_params":%s,"metrics":null}""";

    private static final String COMPLETION = """
            {"id":"cmpl-1","choices":[{"index":0,"text":"a","token_ids":[21,22,23],\
            "prompt_token_ids":[11,12,13]}],"kv_transfer_params":%s}""";

    private static Optional<Turn> read(String answer, EngineFacts facts) {
        Seat seat = new Seat(new Worker("d1", URI.create("http://127.0.0.1:1"), Role.DECODE), 0, facts);
        Carried wanted =
                Objects.requireNonNull(KvConnectors.named("nixl").orElseThrow().readBack(seat));
        return TurnAnswer.read(buffer(answer), wanted, seat, 1);
    }

    private static ByteBuf buffer(String text) {
        return Unpooled.copiedBuffer(text, StandardCharsets.UTF_8);
    }

    private static TokenIds list(String json) {
        return TokenIds.list(buffer(json)).orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(strings = {CHAT, COMPLETION})
    void readsWhatIsKeptAsItCame(String answer) {
        Turn turn = read(answer.formatted(PARAMS), EngineFacts.UNKNOWN).orElseThrow();

        assertThat(turn.params().json()).isEqualTo(PARAMS);
        assertThat(turn.tokens()).isEqualTo(5);
    }

    @Test
    void goesBeforePromptsThatBeginWithAllItsTokensAndHaveMore() {
        Turn turn = read(CHAT.formatted(PARAMS), EngineFacts.UNKNOWN).orElseThrow();

        assertThat(turn.precedes(list("[11,12,13,21,22,23,31]"))).isTrue();
        assertThat(turn.precedes(list("[11,12,13,21,22,99]"))).isTrue();
        assertThat(turn.precedes(list("[11,12,13,21,22]"))).isFalse();
        assertThat(turn.precedes(list("[11,12,13,21,99,23,31]"))).isFalse();
        assertThat(turn.precedes(list("[]"))).isFalse();
    }

    @Test
    void namesTheHostThatTheConfigurationKnows() {
        EngineFacts reachable = EngineFacts.UNKNOWN.at(KvAddress.of("10.0.0.7", 5600));

        assertThat(read(CHAT.formatted(PARAMS), reachable)
                        .orElseThrow()
                        .params()
                        .json())
                .contains("\"remote_host\":\"10.0.0.7\"")
                .contains("\"remote_blocks_expiry_time\":59497.964566791");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "null",
                "{}",
                "{\"do_remote_decode\":true}",
                "[]",
            })
    void readsNothingFromAnAnswerThatSaysLess(String params) {
        assertThat(read(CHAT.formatted(params), EngineFacts.UNKNOWN)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"7", "0", "-1", "5.5", "\"5\"", "null", "99999999999"})
    void readsNothingWhereTheNumberOfTokensIsNone(String count) {
        String params = PARAMS.replace("\"remote_num_tokens\":5", "\"remote_num_tokens\":" + count);
        assertThat(read(CHAT.formatted(params), EngineFacts.UNKNOWN)).isEmpty();
    }

    @Test
    void readsNothingWithoutAllIds() {
        String answer = CHAT.formatted(PARAMS);
        assertThat(read(answer.replace("[11,12,13]", "null"), EngineFacts.UNKNOWN))
                .isEmpty();
        assertThat(read(answer.replace("[21,22,23]", "null"), EngineFacts.UNKNOWN))
                .isEmpty();
        assertThat(read(answer.replace("[21,22,23]", "[\"a\"]"), EngineFacts.UNKNOWN))
                .isEmpty();
        assertThat(read(answer.substring(0, answer.length() - 20), EngineFacts.UNKNOWN))
                .isEmpty();
    }

    @Test
    void listsAreOfNumbersOnly() {
        assertThat(TokenIds.list(buffer("[[1,2]]"))).isEmpty();
        assertThat(TokenIds.list(buffer("\"a\""))).isEmpty();
        assertThat(TokenIds.list(buffer("[1,"))).isEmpty();
        assertThat(list("[ 1 , 2 ]").count()).isEqualTo(2);
    }

    @Test
    void hidesIdsAndNotWhatLooksLikeThem() {
        ByteBuf hidden = TokenIdFields.hide(buffer(CHAT.formatted("null")));

        assertThat(hidden.toString(StandardCharsets.UTF_8))
                .contains("say \\\"token_ids\\\":[1]", "\"token_ids\":null", "\"prompt_token_ids\":null")
                .doesNotContain("[21", "[11");
    }
}
