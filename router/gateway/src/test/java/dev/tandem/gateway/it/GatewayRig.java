// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.TandemGateway;
import dev.tandem.gateway.admission.WaitingRoom;
import dev.tandem.gateway.body.BodyCollector;
import dev.tandem.gateway.ops.ManagementServer;
import java.io.IOException;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * The gateway, started in this process on free ports. Close the simulated engines first: they share its event loops.
 */
final class GatewayRig implements AutoCloseable {
    /** What the product does against failures, and what most tests switch off. */
    private static final List<String> DEFENCES = List.of(
            "tandem.health.slow-start",
            "tandem.health.failures-down",
            "tandem.health.failure-share-from",
            "tandem.health.ejection",
            "tandem.health.longest-ejection",
            "tandem.retry.always-per-second",
            "tandem.retry.backoff",
            "tandem.retry.suspect-workers");

    private final ConfigurableApplicationContext context;
    private final int port;

    private GatewayRig(ConfigurableApplicationContext context) {
        this.context = context;
        this.port =
                Integer.parseInt(Objects.requireNonNull(context.getEnvironment().getProperty("local.server.port")));
    }

    /** Lists the workers and settings of a gateway. */
    static Setup setup() {
        return new Setup();
    }

    /** What a gateway starts with. */
    static final class Setup {
        private final Map<String, String> settings = new LinkedHashMap<>();
        private int workers;

        private Setup() {
            set("server.port", "0");
            set("server.address", "127.0.0.1");
            set("tandem.disagg.connector", "shared-cache");
            set("tandem.disagg.canary.enabled", "false");
            set("tandem.management.port", "0");
            set("tandem.management.address", "127.0.0.1");
            set("tandem.health.interval", "100ms");
            set("tandem.health.timeout", "10s");
            set("tandem.health.slow-start", "1ms");
            // Most tests let the same few workers fail again and again.
            set("tandem.health.failure-share-from", "1000000");
            set("tandem.health.ejection", "1ms");
            set("tandem.health.longest-ejection", "1ms");
            // Most tests let the same few requests fail again and again.
            set("tandem.retry.always-per-second", "1000000");
            set("tandem.retry.backoff", "1ms");
            set("tandem.retry.suspect-workers", "0");
            set("tandem.drain.max", "2s");
        }

        Setup worker(String id, URI url, Role role) {
            String key = "tandem.workers[" + workers++ + "].";
            return set(key + "id", id).set(key + "url", url.toString()).set(key + "role", role.tag());
        }

        Setup set(String name, String value) {
            settings.put(name, value);
            return this;
        }

        /** Lets breakers, ejection, slow start, the retry budget and the list of suspects be as the product comes. */
        Setup defended() {
            settings.keySet().removeAll(DEFENCES);
            return this;
        }

        /** Starts the gateway and returns when all of its workers are up. */
        GatewayRig start() {
            GatewayRig rig = launch();
            rig.awaitWorkersUp();
            return rig;
        }

        /** Starts the gateway, whatever its workers are. */
        GatewayRig launch() {
            BlockingCalls.watch();
            GatewayRig rig = new GatewayRig(new SpringApplicationBuilder(TandemGateway.class)
                    .run(settings.entrySet().stream()
                            .map(setting -> "--" + setting.getKey() + "=" + setting.getValue())
                            .toArray(String[]::new)));
            return rig;
        }
    }

    int port() {
        return port;
    }

    int managementPort() {
        return bean(ManagementServer.class).port();
    }

    String baseUrl() {
        return "http://127.0.0.1:" + port;
    }

    <T> T bean(Class<T> type) {
        return context.getBean(type);
    }

    void awaitWorkersUp() {
        Fleet fleet = bean(Fleet.class);
        Poll.until(
                () -> "workers up: " + fleet.statuses(),
                () -> fleet.statuses().stream()
                        .allMatch(worker -> worker.state().serving()));
    }

    /** Returns the sum of the samples of a meter whose line holds all of these texts. */
    double metric(String name, String... tags) {
        try {
            return RawClient.get(managementPort(), "/metrics")
                    .text()
                    .lines()
                    .filter(line -> line.startsWith(name + "{") || line.startsWith(name + " "))
                    .filter(line -> List.of(tags).stream().allMatch(line::contains))
                    .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                    .sum();
        } catch (IOException e) {
            throw new AssertionError("no metrics", e);
        }
    }

    /** Everything that requests acquire has been given back, and no event loop was blocked. */
    void assertNothingLeft() {
        Fleet fleet = bean(Fleet.class);
        WaitingRoom room = bean(WaitingRoom.class);
        BodyCollector bodies = bean(BodyCollector.class);
        Poll.until(
                () -> "given back: leases=" + fleet.leases() + " running=" + room.running() + " bodies="
                        + bodies.bytesInFlight(),
                () -> fleet.leases() == 0 && room.running() == 0 && bodies.bytesInFlight() == 0);
        Poll.until(
                () -> "nothing is owed: " + fleet.statuses(),
                () -> fleet.workers().stream()
                        .noneMatch(worker -> fleet.progress(worker).owing()));
        assertThat(BlockingCalls.taken()).isEmpty();
    }

    @Override
    public void close() {
        context.close();
    }
}
