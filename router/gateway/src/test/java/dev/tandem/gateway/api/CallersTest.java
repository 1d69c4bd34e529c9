// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.request.Caller;
import dev.tandem.core.request.Caller.Priority;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.List;
import org.junit.jupiter.api.Test;

class CallersTest {
    private static final Callers NOBODY_IN_FRONT = new Callers(List.of(), null);
    private static final Callers BEHIND_A_PROXY = new Callers(List.of("x-tenant-id", "x-user-id"), "x-priority");

    private static HttpHeaders headers(String... namesAndValues) {
        HttpHeaders headers = new DefaultHttpHeaders();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            headers.add(namesAndValues[i], namesAndValues[i + 1]);
        }
        return headers;
    }

    @Test
    void credentialsTellTenantsApart() {
        assertThat(NOBODY_IN_FRONT.of(headers())).isEqualTo(Caller.ANYBODY);
        assertThat(NOBODY_IN_FRONT.of(headers("authorization", "Bearer a")).tenant())
                .isNotEqualTo(
                        NOBODY_IN_FRONT.of(headers("authorization", "Bearer b")).tenant());
    }

    @Test
    void nobodyMakesHimselfSomebodyElse() {
        assertThat(NOBODY_IN_FRONT.of(headers("x-tenant-id", "t", "x-priority", "high")))
                .isEqualTo(Caller.ANYBODY);
    }

    @Test
    void aProxyInFrontIsBelieved() {
        Caller caller = BEHIND_A_PROXY.of(
                headers("X-User-Id", "u", "X-Tenant-Id", "t", "Authorization", "Bearer a", "X-Priority", "High"));
        assertThat(caller.tenant()).isEqualTo("t");
        assertThat(caller.priority()).isEqualTo(Priority.HIGH);
        assertThat(BEHIND_A_PROXY.of(headers("x-priority", "low")).priority()).isEqualTo(Priority.LOW);
        assertThat(BEHIND_A_PROXY.of(headers("x-priority", "soon")).priority()).isEqualTo(Priority.NORMAL);
    }

    @Test
    void credentialsAreNotShown() {
        assertThat(NOBODY_IN_FRONT.of(headers("authorization", "Bearer secret")))
                .asString()
                .doesNotContain("secret");
    }
}
