// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.code_intelligence.jazzer.mutation.annotation.NotNull;
import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.disagg.BodyEdits.Edit.Drop;
import dev.tandem.core.disagg.BodyEdits.Edit.Put;
import dev.tandem.core.disagg.BodyEdits.Edit.PutIfPresent;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.request.ApiKind;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Bodies of clients, on bytes that nobody has thought of; docs/CONTRIBUTING.md says how to search for more. */
class BodyFuzzTest {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final BodyEdits EDITS = new BodyEdits(List.of(
            new Put("kv_transfer_params", "{\"do_remote_decode\":true}"),
            new Put("max_tokens", "1"),
            new PutIfPresent("stream", "false"),
            new Drop("stream_options")));

    @FuzzTest(maxDuration = "2m")
    void anyBytesAreABodyOrRefused(byte @NotNull [] bytes) {
        try {
            ScannedBody scanned = Bodies.SCANNER.scan(Unpooled.wrappedBuffer(bytes));
            assertThat(scanned.promptTokens()).isBetween(0, bytes.length);
            for (ApiKind api : ApiKind.values()) {
                Resumable.of(api, scanned.body()).ifPresent(BodyFuzzTest::requireLimits);
            }
        } catch (FailureException e) {
            assertThat(e.failure()).isIn(Failure.INVALID_JSON, Failure.INVALID_REQUEST);
        }
    }

    /** An engine reads what it is sent as the gateway has meant it, and nothing else. */
    @FuzzTest(maxDuration = "2m")
    void anEditedBodyIsTheSameButForTheEdits(byte @NotNull [] bytes) {
        RequestBody.Json body = scanned(bytes);
        if (body == null) {
            return;
        }
        ObjectNode expected = (ObjectNode) JSON.readTree(bytes);
        expected.remove(expected.propertyStream()
                .map(Map.Entry::getKey)
                .filter(ControlFields::contains)
                .toList());
        expected.set("kv_transfer_params", JSON.readTree("{\"do_remote_decode\":true}"));
        expected.put("max_tokens", 1);
        if (expected.has("stream")) {
            expected.put("stream", false);
        }
        expected.remove("stream_options");

        ByteBuf edited = BodyEditor.apply(body, EDITS);

        assertThat(JSON.readTree(ByteBufUtil.getBytes(edited))).isEqualTo(expected);
        edited.release();
    }

    private static RequestBody.@Nullable Json scanned(byte[] bytes) {
        try {
            return Bodies.SCANNER.scan(Unpooled.wrappedBuffer(bytes)).body();
        } catch (FailureException refused) {
            return null;
        }
    }

    private static void requireLimits(Resumable request) {
        assertThat(request.maxTokens()).isNotNegative();
    }
}
