// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress.field;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class HttpTest {
    private static InputStream in(String text) {
        return Http.buffered(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void readsBodiesOfAKnownLength() throws IOException {
        InputStream in = in("POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\n\r\n");
        Http.Head first = Http.head(in);
        assertThat(first.path()).isEqualTo("/a");
        assertThat(Http.body(in, first)).isEqualTo("abc");
        Http.Head second = Http.head(in);
        assertThat(second.path()).isEqualTo("/b");
        assertThat(Http.body(in, second)).isEmpty();
    }

    @Test
    void readsPieces() throws IOException {
        InputStream in = in("HTTP/1.1 503 no\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
        Http.Head head = Http.head(in);
        assertThat(head.status()).isEqualTo(503);
        assertThat(Http.body(in, head)).isEqualTo("abcde");
    }

    @Test
    void halfABodyIsNone() {
        assertThatThrownBy(() -> {
                    InputStream in = in("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc");
                    Http.body(in, Http.head(in));
                })
                .isInstanceOf(EOFException.class);
    }
}
