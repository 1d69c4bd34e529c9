// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.edge.Mutations;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Hooks;

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

    private final List<Throwable> dropped = new CopyOnWriteArrayList<>();

    @BeforeEach
    void watch() {
        Hooks.onErrorDropped(dropped::add);
    }

    @AfterEach
    void forget() {
        Hooks.resetOnErrorDropped();
    }

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
            int passedOn = 0;
            for (int i = 0; i < REQUESTS; i++) {
                List<Integer> statuses = answers.get(i).get();
                assertThat(statuses)
                        .as(() -> "a request of the seed " + SEED)
                        .allMatch(status -> status < 500 || status == 505);
                assertThat(Collections.frequency(statuses, 200)).isLessThan(2);
                answered += statuses.isEmpty() ? 0 : 1;
                passedOn += Collections.frequency(statuses, 200);
            }
            System.out.printf("mutations: %d sent, %d answered, %d passed on%n", REQUESTS, answered, passedOn);
            assertThat(engine.received()).hasSize(passedOn);
            assertThat(passedOn).isGreaterThan(REQUESTS / 100);
            assertThat(answered).isGreaterThan(REQUESTS * 9 / 10);
            assertThat(dropped).isEmpty();
            rig.assertNothingLeft();
        }
    }

    private static byte[] request(int number) {
        return new Mutations(new SplittableRandom(SEED + number)).next();
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
