// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.edge;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.code_intelligence.jazzer.mutation.annotation.NotNull;
import com.code_intelligence.jazzer.mutation.annotation.WithLength;

/** What comes over a connection of a client, on bytes that nobody has thought of. */
class DoorFuzzTest {
    @FuzzTest(maxDuration = "2m")
    void anyBytesAreRequestsOrRefused(byte @NotNull @WithLength(max = 1024) [] bytes) {
        Door whole = new Door().send(bytes);
        Door pieces = new Door();
        for (int at = 0; at < bytes.length; ) {
            int end = Math.min(bytes.length, at + 1 + (bytes[at] & 0x1F));
            pieces.send(bytes, at, end);
            at = end;
        }

        assertThat(pieces.seen()).isEqualTo(whole.seen());
        assertThat(pieces.rejections()).hasSameSizeAs(whole.rejections());
        if (!whole.rejections().isEmpty() && whole.requests() == 0) {
            assertThat(whole.received()).matches("(?s)HTTP/1.1 (4\\d\\d|505) .*");
        }
        whole.close();
        pieces.close();
    }
}
