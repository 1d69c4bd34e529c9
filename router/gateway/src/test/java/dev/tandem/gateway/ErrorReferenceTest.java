// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.failure.Failure;
import java.io.IOException;
import java.nio.file.Files;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Generates {@code docs/errors.md} from the enum and from the sentences of its Javadoc. */
final class ErrorReferenceTest {
    private static final String SOURCE = "router/core/src/main/java/dev/tandem/core/failure/Failure.java";
    private static final Pattern CONSTANT =
            Pattern.compile("/\\*\\*((?:(?!\\*/).)*)\\*/\\s*([A-Z][A-Z_]+)\\(", Pattern.DOTALL);

    private static final String HEAD = """
            # Errors

            Everything that can go wrong has one row. The code is the `code` of the error that the client gets, the tag of \
            `tandem_failures_total` and the `code` of the access log. This page is generated from `Failure`.

            - **Cause**: client = another request would have worked; router = a limit, the state or a fault of the gateway; \
            engine = a worker or the way to it.
            - **Retry**: whether the gateway itself makes another attempt on another worker. *before first byte* = while \
            nothing of the answer has reached the client; *always* = at once, since the first worker has not seen the request.
            - **Blames**: whether it counts against the worker's health.
            - **Log**: the level at which it is logged.

            | Code | HTTP | Cause | Retry | Blames | Log | Meaning |
            |---|---|---|---|---|---|---|
            """;

    @Test
    void pageShowsEveryFailure() throws IOException {
        Map<String, String> sentences = sentences();
        StringBuilder page = new StringBuilder(HEAD);
        for (Failure failure : Failure.values()) {
            page.append(row(failure, sentences.getOrDefault(failure.name(), "")));
        }
        new GeneratedPage("errors.md").verify(page.toString());
    }

    @Test
    void everyFailureHasItsSentence() throws IOException {
        Map<String, String> sentences = sentences();
        for (Failure failure : Failure.values()) {
            assertThat(sentences).as(failure.name()).containsKey(failure.name());
            assertThat(sentences.get(failure.name())).as(failure.name()).endsWith(".");
        }
    }

    private static String row(Failure failure, String sentence) {
        return "| `%s` | %d | %s | %s | %s | %s | %s |\n"
                .formatted(
                        failure.code(),
                        failure.status(),
                        words(failure.source()),
                        words(failure.retry()),
                        failure.blamesWorker() ? "yes" : "no",
                        words(failure.level()),
                        sentence);
    }

    private static String words(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    private static Map<String, String> sentences() throws IOException {
        Map<String, String> found = new HashMap<>();
        Matcher matcher = CONSTANT.matcher(Files.readString(GeneratedPage.root().resolve(SOURCE)));
        while (matcher.find()) {
            found.put(
                    matcher.group(2),
                    matcher.group(1).replaceAll("\\s*\\n\\s*\\*?\\s*", " ").strip());
        }
        return found;
    }
}
