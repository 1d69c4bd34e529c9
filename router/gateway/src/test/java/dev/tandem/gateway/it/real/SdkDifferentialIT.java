// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it.real;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.gateway.TandemGateway;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * OpenAI's Java SDK sends every case to an engine and to the gateway in front of it; the answers are equal but for the
 * rules of {@code scripts/e2e/differences.json}.
 *
 * <p>{@code E2E_DIRECT} and {@code E2E_THROUGH} name an engine and a gateway that run, {@code E2E_ENGINE} the engine's
 * kind as the rules know it; {@code E2E_RECORDS} is where the records go. Without them the test starts a llama.cpp
 * server and a gateway itself.
 */
@Tag("real-engines")
final class SdkDifferentialIT {
    private static final String MODEL = "tandem-sim";

    @Test
    void theJavaSdkSeesTheSameThroughTheGateway(@TempDir Path temporary) throws IOException, InterruptedException {
        String direct = System.getenv("E2E_DIRECT");
        String through = System.getenv("E2E_THROUGH");
        if (direct != null && through != null) {
            compare(System.getenv().getOrDefault("E2E_ENGINE", "vllm"), direct, through, temporary);
            return;
        }
        Scripts.run("engines.sh", "start", "llamacpp");
        try {
            String engine =
                    Scripts.output("engines.sh", "url", "llamacpp", "prefill").trim();
            try (ConfigurableApplicationContext gateway = gateway(engine)) {
                String port = Objects.requireNonNull(gateway.getEnvironment().getProperty("local.server.port"));
                compare("llamacpp", engine, "http://127.0.0.1:" + port, temporary);
            }
        } finally {
            Scripts.run("engines.sh", "stop", "llamacpp");
        }
    }

    private static ConfigurableApplicationContext gateway(String engine) {
        return new SpringApplicationBuilder(TandemGateway.class)
                .run(
                        "--server.port=0",
                        "--server.address=127.0.0.1",
                        "--tandem.management.port=0",
                        "--tandem.management.address=127.0.0.1",
                        "--tandem.unified-urls=" + engine);
    }

    private static void compare(String engine, String direct, String through, Path temporary)
            throws IOException, InterruptedException {
        Path cases = temporary.resolve("cases.json");
        Files.writeString(cases, Scripts.output("cases.py", MODEL));
        Path directly = record(new SdkRecorder(direct, true), cases, records("java.direct", temporary));
        Path throughGateway = record(new SdkRecorder(through, false), cases, records("java.through", temporary));
        if (System.getenv("E2E_RECORD_ONLY") != null) {
            return; // the script that asked compares the records of all SDKs
        }
        Scripts.run(
                "compare.py",
                "--engine",
                engine,
                "--rules",
                Scripts.file("differences.json").toString(),
                directly.toString(),
                throughGateway.toString());
    }

    private static Path record(SdkRecorder sdk, Path cases, Path records) throws IOException {
        try (sdk) {
            assertThat(sdk.record(cases, records)).isGreaterThan(50);
        }
        return records;
    }

    private static Path records(String name, Path temporary) {
        @Nullable String folder = System.getenv("E2E_RECORDS");
        return folder == null ? temporary.resolve(name) : Path.of(folder, name);
    }
}
