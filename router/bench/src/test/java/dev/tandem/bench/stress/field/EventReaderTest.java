// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class EventReaderTest {
    private static List<String> events(String... chunks) throws IOException {
        StringBuilder body = new StringBuilder();
        for (String chunk : chunks) {
            body.append(Integer.toHexString(chunk.length()))
                    .append("\r\n")
                    .append(chunk)
                    .append("\r\n");
        }
        body.append("0\r\n\r\n");
        EventReader reader = new EventReader(
                Http.buffered(new ByteArrayInputStream(body.toString().getBytes(StandardCharsets.US_ASCII))));
        List<String> events = new ArrayList<>();
        for (String event = reader.next(); !event.isEmpty(); event = reader.next()) {
            events.add(event);
        }
        return events;
    }

    @Test
    void chunksAreJoinedToEvents() throws IOException {
        assertThat(events("data: one\n", "\ndata: [DO", "NE]\n\n"))
                .containsExactly("data: one\n\n", "data: [DONE]\n\n");
    }

    @Test
    void aChunkMayHaveSeveralEvents() throws IOException {
        assertThat(events("data: one\n\ndata: two\n\n")).containsExactly("data: one\n\n", "data: two\n\n");
    }

    @Test
    void whatBreaksOffIsToldAsItIs() throws IOException {
        assertThat(events("data: one\n\nda")).containsExactly("data: one\n\n", "da");
    }
}
