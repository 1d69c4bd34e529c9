// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.core.request.ApiKind;
import dev.tandem.gateway.it.RawClient.Answer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.IntUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Answers of vLLM 0.32.0 and llama-server, recorded 2026-11-21, through the gateway: however the engine's bytes are cut
 * on their way, the client gets the same body. Left out are answers that a gateway must not pass on: 5xx, and streams
 * that begin with an error.
 */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class RecordedAnswersIT {
    private static final Path FIXTURES = Path.of("../simulator/src/test/resources/fixtures");
    private static final String SEPARATOR = "\n=====8<===== response =====8<=====\n";
    private static final String OFFER = "\"kv_transfer_params\":\\{[^{}]*}";

    private RawEngine engine;
    private GatewayRig rig;

    @BeforeAll
    void start() throws IOException {
        engine = RawEngine.start("tiny");
        rig = GatewayRig.setup().worker("u1", engine.url(), Role.UNIFIED).start();
    }

    @AfterAll
    void stop() throws IOException {
        rig.assertNothingLeft();
        rig.close();
        engine.close();
    }

    /** Sizes of the pieces in which an answer is sent, from the number of the piece. */
    enum Cut {
        /** Byte by byte, for as long as the head and the first frames last. */
        BYTES(piece -> piece < 600 ? 1 : 4096),
        /** Never where a line, a character or a chunk ends. */
        SEVENS(piece -> 7 + 90 * (piece / 100)),
        /** Anywhere. */
        RANDOM(piece -> 1 + new SplittableRandom(piece).nextInt(200)),
        /** As the engine did. */
        WHOLE(piece -> Integer.MAX_VALUE);

        @SuppressWarnings("ImmutableEnumChecker") // a lambda without state
        private final IntUnaryOperator size;

        Cut(IntUnaryOperator size) {
            this.size = size;
        }

        private void send(byte[] answer, RawEngine.Wire wire) throws IOException {
            int from = 0;
            for (int piece = 0; from < answer.length; piece++) {
                int length = Math.min(size.applyAsInt(piece), answer.length - from);
                wire.write(answer, from, length);
                from += length;
            }
        }
    }

    /**
     * One recorded exchange.
     *
     * @param name folder and file
     * @param api the API that was called
     * @param streaming whether the client had asked for a stream
     * @param answer the engine's answer, framed as it was
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Recorded(String name, ApiKind api, boolean streaming, byte[] answer) {
        private static Stream<Recorded> of(Path file) {
            try {
                String text = Files.readString(file, StandardCharsets.ISO_8859_1);
                int at = text.indexOf(SEPARATOR);
                String[] line = text.substring(0, text.indexOf("\r\n")).split(" ", 3);
                byte[] answer = text.substring(at + SEPARATOR.length()).getBytes(StandardCharsets.ISO_8859_1);
                return Arrays.stream(ApiKind.values())
                        .filter(api -> line[0].equals("POST") && api.path().equals(line[1]))
                        .map(api -> new Recorded(
                                FIXTURES.relativize(file).toString(),
                                api,
                                text.substring(0, at).matches("(?s).*\"stream\": ?true.*"),
                                answer));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private boolean passedOn() {
            String text = new String(answer, StandardCharsets.ISO_8859_1);
            return !text.startsWith("HTTP/1.1 5")
                    && !text.contains("<<TIMEOUT>>")
                    && !text.contains("\r\ndata: {\"error\"");
        }

        private HttpReader.Head head() throws IOException {
            return Objects.requireNonNull(new HttpReader(new ByteArrayInputStream(answer)).head());
        }

        private String body() throws IOException {
            HttpReader reader = new HttpReader(new ByteArrayInputStream(answer));
            HttpReader.Head head = Objects.requireNonNull(reader.head());
            return new String(reader.body(head, true).readAllBytes(), StandardCharsets.UTF_8);
        }

        @Override
        public String toString() {
            return name;
        }
    }

    static List<Recorded> recorded() throws IOException {
        try (Stream<Path> files = Files.walk(FIXTURES)) {
            return files.filter(file -> file.toString().endsWith(".http"))
                    .sorted()
                    .flatMap(Recorded::of)
                    .filter(Recorded::passedOn)
                    .toList();
        }
    }

    @ParameterizedTest
    @MethodSource("recorded")
    void theBodyIsTheEnginesHoweverItIsCut(Recorded recorded) throws IOException {
        String ask = "{\"model\":\"tiny\",\"stream\":" + recorded.streaming() + "}";
        for (Cut cut : Cut.values()) {
            engine.on((request, wire) -> cut.send(recorded.answer(), wire));

            Answer answer = RawClient.post(rig.port(), recorded.api().path(), ask);

            assertThat(answer.status())
                    .as("%s", cut)
                    .isEqualTo(Integer.parseInt(recorded.head().word(1)));
            assertThat(answer.header("content-type"))
                    .isEqualTo(recorded.head().header("content-type").orElse(""));
            assertThat(answer.text())
                    .as("%s", cut)
                    .isEqualTo(recorded.body().replaceAll(OFFER, "\"kv_transfer_params\":null"));
            assertThat(answer.whole()).as("%s", cut).isTrue();
        }
        engine.clear();
    }

    @Test
    void thereIsSomethingOfEveryKind() throws IOException {
        List<String> names = new ArrayList<>();
        recorded().forEach(recorded -> names.add(recorded.api() + (recorded.streaming() ? " stream" : "")));
        assertThat(names)
                .contains("COMPLETIONS", "COMPLETIONS stream", "CHAT", "CHAT stream", "RESPONSES", "RESPONSES stream")
                .contains("MESSAGES", "MESSAGES stream", "TOKENIZE", "DETOKENIZE")
                .hasSizeGreaterThan(60);
    }
}
