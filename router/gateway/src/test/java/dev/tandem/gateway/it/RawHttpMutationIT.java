// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.edge.Mutations;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Proper requests with something changed, over real sockets: none becomes two, none is the gateway's fault.
 *
 * <p>{@code -Dtandem.fuzz.requests} says how many, {@code -Dtandem.fuzz.seed} which ones.
 */
@Timeout(value = 1_800, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class RawHttpMutationIT {
    private static final int REQUESTS = Integer.getInteger("tandem.fuzz.requests", 1_000);
    private static final long SEED = Long.getLong("tandem.fuzz.seed", 20_261_122);
    private static final int AT_A_TIME = 64;
    private static final Pattern STATUS = Pattern.compile("HTTP/1\\.1 (\\d{3}) ");

    /** The prompt of the requests, which each gets of its own. */
    private static final String PROMPT = "four";

    @Test
    void whateverIsChangedAboutARequestItIsNeverTwo() throws IOException, ExecutionException, InterruptedException {
        try (RawEngine engine = RawEngine.start("tiny");
                GatewayRig rig = GatewayRig.setup()
                        .worker("w1", engine.url(), Role.UNIFIED)
                        .set("tandem.edge.head-timeout", "200ms")
                        .set("tandem.edge.idle-timeout", "200ms")
                        .set("tandem.body.read-silence", "200ms")
                        .start();
                ExecutorService clients = Executors.newFixedThreadPool(AT_A_TIME)) {
            List<Future<List<Integer>>> answers = new ArrayList<>();
            for (int i = 0; i < REQUESTS; i++) {
                byte[] request = request(i);
                answers.add(clients.submit(() -> statuses(rig.port(), request)));
            }
            int answered = 0;
            for (int i = 0; i < REQUESTS; i++) {
                List<Integer> statuses = answers.get(i).get();
                assertThat(statuses)
                        .as(() -> "a request of the seed " + SEED)
                        .allMatch(status -> status < 500 || status == 505);
                answered += statuses.isEmpty() ? 0 : 1;
            }
            Set<String> seen = new HashSet<>();
            engine.received()
                    .forEach(request -> assertThat(seen.add(request.text()))
                            .as(request.text())
                            .isTrue());
            System.out.printf(
                    "mutations: %d sent, %d answered, %d reached the engine%n", REQUESTS, answered, seen.size());
            assertThat(seen).hasSizeBetween(REQUESTS / 100, REQUESTS);
            assertThat(answered).isGreaterThan(REQUESTS * 9 / 10);
            rig.assertNothingLeft();
        }
    }

    private static byte[] request(int number) {
        String text =
                new String(new Mutations(new SplittableRandom(SEED + number)).next(), StandardCharsets.ISO_8859_1);
        String own = Integer.toString(number, Character.MAX_RADIX);
        return text.replace(PROMPT, "0".repeat(PROMPT.length() - own.length()) + own)
                .getBytes(StandardCharsets.ISO_8859_1);
    }

    private static List<Integer> statuses(int port, byte[] request) throws IOException {
        try (RawClient client = RawClient.open(port)) {
            return STATUS.matcher(client.write(request).drain())
                    .results()
                    .map((MatchResult found) -> Integer.parseInt(found.group(1)))
                    .toList();
        }
    }
}
