// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it.real;

import java.io.IOException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The suites of {@code scripts/e2e/run.sh}, one test each. Which ones is said by
 * {@code -Dtandem.real.suites=llamacpp,nixl,shared,lmcache,unified}; without it the two that every change runs.
 */
@Tag("real-engines")
final class SuitesIT {
    static Stream<String> suites() {
        return Stream.of(
                System.getProperty("tandem.real.suites", "llamacpp,nixl-thin").split(","));
    }

    @ParameterizedTest
    @MethodSource("suites")
    void suitePasses(String suite) throws IOException, InterruptedException {
        Scripts.run("run.sh", suite);
    }
}
