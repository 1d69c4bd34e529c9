// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class HttpReaderTest {
    private static final String FIXED = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    private static final String CHUNKED =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: z\r\n\r\n";

    @Test
    void readsTheSameMessagesHoweverTheyAreCut() {
        String two = FIXED + CHUNKED + FIXED;
        for (int size = 1; size <= two.length(); size++) {
            assertThat(read(true, two, size))
                    .as("parts of %d bytes", size)
                    .containsExactly("200 hello keep", "200 hello keep", "200 hello keep");
        }
    }

    @Test
    void tellsThatTheConnectionCloses() {
        String closing = "HTTP/1.1 200 OK\r\nconnection: Close\r\nContent-Length: 2\r\n\r\nok";
        assertThat(read(true, closing, 10)).containsExactly("200 ok close");
    }

    @Test
    void skipsAnInterimResponse() {
        assertThat(read(true, "HTTP/1.1 100 Continue\r\n\r\n" + FIXED, 7)).containsExactly("200 hello keep");
    }

    @Test
    void aRequestWithoutLengthHasNoBody() {
        String request = "GET /v1/abc HTTP/1.1\r\nHost: x\r\n\r\n";
        assertThat(read(false, request + request, 8)).containsExactly("bc   keep", "bc   keep");
    }

    @Test
    void theEndOfTheConnectionEndsABodyOfUnknownLength() {
        Recorder recorder = new Recorder();
        HttpReader reader = new HttpReader(true, recorder);
        reader.read(buffer("HTTP/1.1 200 OK\r\n\r\nall of it"));
        assertThat(recorder.messages).isEmpty();
        assertThat(reader.endsHere()).isTrue();
        assertThat(recorder.messages).containsExactly("200 all of it close");
    }

    @Test
    void theEndOfTheConnectionInsideABodyIsAFault() {
        HttpReader reader = new HttpReader(true, new Recorder());
        reader.read(buffer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"));
        assertThat(reader.endsHere()).isFalse();
    }

    @Test
    void refusesAChunkThatIsLongerThanItsSize() {
        String broken = CHUNKED.replace("3\r\nhel\r\n", "2\r\nhel\r\n");
        assertThatIllegalStateException().isThrownBy(() -> read(true, broken, broken.length()));
    }

    @Test
    void findsAHeaderWhateverItsCase() {
        byte[] head = Traffic.ascii("HTTP/1.1 200 OK\r\nX-Bench-Body:  12-ab \r\nOther: 1\r\n\r\n");
        assertThat(HttpReader.header(head, head.length, "x-bench-body")).isEqualTo("12-ab");
        assertThat(HttpReader.header(head, head.length, "x-bench")).isEmpty();
    }

    private static List<String> read(boolean response, String text, int size) {
        Recorder recorder = new Recorder();
        HttpReader reader = new HttpReader(response, recorder);
        for (int from = 0; from < text.length(); from += size) {
            reader.read(buffer(text.substring(from, Math.min(text.length(), from + size))));
        }
        return recorder.messages;
    }

    private static ByteBuf buffer(String text) {
        return Unpooled.wrappedBuffer(Traffic.ascii(text));
    }

    /** Writes each message as status, body and what becomes of the connection. */
    private static final class Recorder implements HttpReader.Sink {
        private final List<String> messages = new ArrayList<>();
        private final StringBuilder body = new StringBuilder();
        private String status = "";

        @Override
        public void onHead(byte[] head, int length) {
            status = new String(head, 9, 3, StandardCharsets.US_ASCII);
        }

        @Override
        public void onBody(ByteBuf data, int index, int length) {
            body.append(data.toString(index, length, StandardCharsets.US_ASCII));
        }

        @Override
        public void onEnd(boolean keepAlive) {
            messages.add(status + " " + body + (keepAlive ? " keep" : " close"));
            body.setLength(0);
        }
    }
}
