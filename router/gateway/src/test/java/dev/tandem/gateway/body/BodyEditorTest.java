// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.disagg.BodyEdits.Edit;
import dev.tandem.core.disagg.BodyEdits.Edit.Drop;
import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.disagg.BodyEdits.Edit.PutIfPresent;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BodyEditorTest {
    private static final BodyEdits EDITS = BodyEdits.NONE.and(
            new Put("stream", "false"), new Drop("gone"), new PutIfPresent("n", "1"), new Put("max_tokens", "1"));

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\u0001', textBlock = """
                {}|{"stream":false,"max_tokens":1}
                {"stream":true}|{"stream":false,"max_tokens":1}
                {"gone":1}|{"stream":false,"max_tokens":1}
                {"gone":1,"a":2}|{"a":2,"stream":false,"max_tokens":1}
                {"a":2,"gone":1}|{"a":2,"stream":false,"max_tokens":1}
                {"a":2, "gone" : [1,{"x":2}] , "b" : 3 }|{"a":2, "b" : 3,"stream":false,"max_tokens":1 }
                {"max_tokens" : 99 ,"n":4,"stream":true}|{"max_tokens" : 1 ,"n":1,"stream":false}
                {"a":1 , "kv_transfer_params":{"remote_host":"evil"}, "lmcache.skip":1}|{"a":1,"stream":false,"max_tokens":1}""")
    void editsWhatItIsToldAndNothingElse(String json, String expected) {
        RequestBody.Json body = Bodies.scan(json).body();

        assertThat(Bodies.text(BodyEditor.apply(body, EDITS))).isEqualTo(expected);
        body.release();
    }

    @Test
    void withoutEditsTheClientsBufferIsSentItself() {
        String json = "{ \"seed\": 18446744073709551615, \"x\":1.10e3, \"u\":\"\\u00e9é\" }";
        ByteBuf buffer = Bodies.buffer(json);
        RequestBody.Json body = Bodies.SCANNER.scan(buffer).body();

        ByteBuf out = BodyEditor.apply(body, BodyEdits.NONE);

        assertThat(out.unwrap()).isSameAs(buffer);
        assertThat(Bodies.text(out)).isEqualTo(json);
        body.release();
        assertThat(buffer.refCnt()).isZero();
    }

    @Test
    void controlFieldsNeverReachAnEngine() {
        String json = "{\"kv_transfer_params\":{\"do_remote_prefill\":true},\"model\":\"m\",\"id_slot\":3}";

        assertThat(Bodies.text(BodyEditor.apply(Bodies.scan(json).body(), BodyEdits.NONE)))
                .isEqualTo("{\"model\":\"m\"}");
    }

    @Test
    void aReleasedBodySendsNothing() {
        RequestBody.Json body = Bodies.scan("{\"a\":1}").body();
        body.release();
        body.release();

        assertThat(BodyEditor.apply(body, BodyEdits.NONE).readableBytes()).isZero();
    }

    /** Random objects, random edits: the members that remain are the ones that a map says, text for text. */
    @Test
    void agreesWithAMapOnRandomObjects() {
        long seed = 20261121;
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 5_000; round++) {
            Map<String, String> members = randomMembers(random);
            List<Edit> edits = randomEdits(random);
            RequestBody.Json body = Bodies.SCANNER
                    .scan(Bodies.inPieces(spaced(members, random), 1 + random.nextInt(40)))
                    .body();

            String edited = Bodies.text(BodyEditor.apply(body, new BodyEdits(edits)));
            body.release();

            assertThat(membersOf(edited)).as("seed %d round %d", seed, round).isEqualTo(expected(members, edits));
        }
    }

    private static Map<String, String> randomMembers(SplittableRandom random) {
        String[] values = {
            "1", "1.50", "-0e10", "true", "null", "\"a,}\\\"{\"", "\"é漢🙂\"", "[1, {\"b\":[]}]", "{\"c\": \"}\"}"
        };
        Map<String, String> members = new LinkedHashMap<>();
        for (int i = random.nextInt(8); i > 0; i--) {
            members.put("f" + random.nextInt(8), values[random.nextInt(values.length)]);
        }
        return members;
    }

    private static List<Edit> randomEdits(SplittableRandom random) {
        List<Edit> edits = new ArrayList<>();
        for (int field = 0; field < 10; field++) {
            switch (random.nextInt(6)) {
                case 0 -> edits.add(new Drop("f" + field));
                case 1 -> edits.add(new Put("f" + field, "\"put\""));
                case 2 -> edits.add(new PutIfPresent("f" + field, "7"));
                default -> {
                    // this field stays as it is
                }
            }
        }
        return edits;
    }

    private static String spaced(Map<String, String> members, SplittableRandom random) {
        String[] spaces = {"", " ", "\n\t", "  "};
        StringBuilder text = new StringBuilder("{");
        members.forEach((name, value) -> {
            text.append(text.length() > 1 ? "," : "").append(spaces[random.nextInt(4)]);
            text.append('"')
                    .append(name)
                    .append('"')
                    .append(spaces[random.nextInt(4)])
                    .append(':');
            text.append(spaces[random.nextInt(4)]).append(value).append(spaces[random.nextInt(4)]);
        });
        return text.append('}').toString();
    }

    private static Map<String, String> membersOf(String json) {
        RequestBody.Json body = Bodies.scan(json).body();
        Map<String, String> members = new LinkedHashMap<>();
        byte[] bytes = json.getBytes(java.nio.charset.StandardCharsets.UTF_8);
        TopLevelFields fields = body.fields();
        for (int i = 0; i < fields.count(); i++) {
            members.put(
                    fields.name(i),
                    new String(
                            bytes,
                            fields.valueStart(i),
                            fields.valueEnd(i) - fields.valueStart(i),
                            java.nio.charset.StandardCharsets.UTF_8));
        }
        return members;
    }

    private static Map<String, String> expected(Map<String, String> members, List<Edit> edits) {
        Map<String, String> result = new LinkedHashMap<>(members);
        for (Edit edit : edits) {
            switch (edit) {
                case Put(String field, String json) -> result.put(field, json);
                case PutIfPresent(String field, String json) -> result.computeIfPresent(field, (f, old) -> json);
                case Drop(String field) -> result.remove(field);
            }
        }
        return result;
    }
}
