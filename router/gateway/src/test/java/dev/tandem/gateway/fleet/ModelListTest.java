// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ModelListTest {
    @Test
    void readsTheListOfVllm() {
        String answer = """
                {"object":"list","data":[{"id":"tiny","object":"model","created":1795273416,"owned_by":"vllm",\
                "root":"tiny-qwen2","parent":null,"max_model_len":512,"permission":[{"id":"modelperm-9c6a",\
                "object":"model_permission","allow_sampling":true,"group":null}]},\
                {"id":"tiny-alias","object":"model","permission":[]}]}""";

        assertThat(read(answer)).containsExactly("tiny", "tiny-alias");
        assertThat(list(answer).contextTokens()).isEqualTo(512);
    }

    @Test
    void readsTheListOfLlamaServer() {
        String answer = """
                {"models":[{"name":"other","model":"other","details":{"families":[""]}}],"object":"list",\
                "data":[{"id":"tiny.gguf","object":"model","owned_by":"llamacpp","meta":{"n_ctx_train":4096}}]}""";

        assertThat(read(answer)).containsExactly("tiny.gguf");
        assertThat(list(answer).contextTokens()).isZero();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"object":"list","data":[]}               | models: none
            {}                                        | models: none
            {"data":{"id":"tiny"}}                    | models: none
            {"data":[{"id":7}]}                       | models: none
            {"data":["tiny"]}                         | models: unexpected form
            []                                        | models: unexpected form
            {"data":[{"id":"tiny"}]                   | models: not JSON
            {"data":[{"id":"tiny"                     | models: not JSON
            <html>busy</html>                         | models: not JSON
            {"data":[{"id":"tiny"}]} trailing         | models: not JSON
            {"data":[{"id":""}]}                      | models: name of 0 characters
            """)
    void refusesWhatListsNoModel(String answer, String reason) {
        assertThatThrownBy(() -> read(answer)).isInstanceOf(ProbeFailure.class).hasMessage(reason);
    }

    @Test
    void refusesEndlessNamesAndLists() {
        String name = "x".repeat(513);
        assertThatThrownBy(() -> read("{\"data\":[{\"id\":\"" + name + "\"}]}"))
                .hasMessage("models: name of 513 characters");

        StringBuilder many = new StringBuilder("{\"data\":[");
        for (int i = 0; i <= 1_000; i++) {
            many.append(i == 0 ? "" : ",").append("{\"id\":\"m").append(i).append("\"}");
        }
        assertThatThrownBy(() -> read(many.append("]}").toString())).hasMessage("models: more than 1000");
    }

    private static Set<String> read(String answer) {
        return list(answer).names();
    }

    private static ModelList list(String answer) {
        return ModelList.read(answer.getBytes(StandardCharsets.UTF_8));
    }
}
