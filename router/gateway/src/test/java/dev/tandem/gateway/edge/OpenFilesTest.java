// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.edge;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class OpenFilesTest {
    private static final String LIMITS = """
            Limit                     Soft Limit           Hard Limit           Units
            Max processes             95946                95946                processes
            Max open files            %s                   524288               files
            Max locked memory         8388608              8388608              bytes
            """;

    @Test
    void clientsGetHalfOfTheFilesThatAreLeft() {
        assertThat(OpenFiles.read(LIMITS.formatted("20000")).clients(9_000)).isEqualTo(9_000);
        assertThat(OpenFiles.read(LIMITS.formatted("4096")).clients(9_000)).isEqualTo(1_548);
        assertThat(OpenFiles.read(LIMITS.formatted("1024")).clients(9_000)).isEqualTo(64);
        assertThat(OpenFiles.read(LIMITS.formatted("1024")).clients(10)).isEqualTo(10);
    }

    @Test
    void withoutALimitTheyGetWhatTheyWant() {
        assertThat(OpenFiles.read(LIMITS.formatted("unlimited")).clients(9_000)).isEqualTo(9_000);
        assertThat(OpenFiles.read("").clients(9_000)).isEqualTo(9_000);
    }

    @Test
    void theLimitOfThisProcessIsRead() {
        assertThat(OpenFiles.ofThisProcess().limit()).isPositive();
    }
}
