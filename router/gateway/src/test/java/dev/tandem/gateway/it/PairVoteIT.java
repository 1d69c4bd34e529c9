// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Trials of pairs whose engines answer nothing alone: the pairs judge each other. */
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class PairVoteIT {
    private static final String TRIALS = "tandem_canary_trials_total";
    private static final String QUARANTINED = "tandem_canary_quarantined_pairs";
    private static final String ASK =
            "{\"model\":\"tiny\",\"prompt\":\"" + "long prompt ".repeat(200) + "\",\"max_tokens\":3}";

    private final List<RawEngine> engines = new ArrayList<>();
    private volatile String ofSecond = "wrong";

    @AfterEach
    void stopEngines() throws IOException {
        for (RawEngine engine : engines) {
            engine.close();
        }
    }

    @Test
    void theOneOfThreeThatDisagreesIsNotUsedUntilItAgrees() throws IOException {
        try (GatewayRig rig = rig(3)) {
            Poll.until(() -> "quarantined: " + rig.metric(QUARANTINED), () -> rig.metric(QUARANTINED) == 1);

            assertThat(RawClient.get(rig.port(), "/healthz").text()).contains("\"quarantined_pairs\":[\"p1>d2\"]");
            for (int i = 0; i < 10; i++) {
                assertThat(RawClient.post(rig.port(), "/v1/completions", ASK).text())
                        .contains("right");
            }

            ofSecond = "right";
            Poll.until(() -> "quarantined: " + rig.metric(QUARANTINED), () -> rig.metric(QUARANTINED) == 0);
            rig.assertNothingLeft();
        }
    }

    @Test
    void ofTwoThatDisagreeBothAreUsed() throws IOException {
        try (GatewayRig rig = rig(2)) {
            Poll.until(
                    () -> "undecided: " + rig.metric(TRIALS, "finding=\"undecided\""),
                    () -> rig.metric(TRIALS, "finding=\"undecided\"") >= 2);

            assertThat(rig.metric(QUARANTINED)).isZero();
            assertThat(rig.metric(TRIALS, "finding=\"different\"")).isZero();
            assertThat(rig.metric(TRIALS, "finding=\"equal\"")).isZero();

            ofSecond = "right";
            Poll.until(
                    () -> "equal: " + rig.metric(TRIALS, "finding=\"equal\""),
                    () -> rig.metric(TRIALS, "finding=\"equal\"") >= 2);
            rig.assertNothingLeft();
        }
    }

    private GatewayRig rig(int decodes) throws IOException {
        GatewayRig.Setup setup = GatewayRig.setup()
                .worker("p1", engine(1).url(), Role.PREFILL)
                .set("tandem.disagg.connector", "lmcache-pd")
                .set("tandem.disagg.canary.enabled", "true")
                .set("tandem.disagg.canary.interval", "300ms");
        for (int number = 1; number <= decodes; number++) {
            setup.worker("d" + number, engine(number).url(), Role.DECODE);
        }
        return setup.start();
    }

    private RawEngine engine(int number) throws IOException {
        RawEngine engine = RawEngine.start("tiny").version("0.32.0");
        engine.on((request, wire) ->
                wire.json(200, "{\"choices\":[{\"text\":\"" + (number == 2 ? ofSecond : "right") + "\"}]}"));
        engines.add(engine);
        return engine;
    }
}
