// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import dev.tandem.bench.Proxies;
import dev.tandem.bench.ProxyProcess;
import dev.tandem.bench.TandemOptions;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Tandem in front of the engines of all pools, each a model of its own. Used by one thread. */
final class Gateway implements AutoCloseable {
    private static final Pattern HANDOVERS = Pattern.compile("tandem_handovers_total\\{([^}]*)} (\\S+)");
    private static final Pattern LABEL = Pattern.compile("(connector|result)=\"([^\"]*)\"");
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private final HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(PATIENCE)
            .build();
    private final ProxyProcess process;
    private final int managementPort;

    private Gateway(ProxyProcess process, int managementPort) {
        this.process = process;
        this.managementPort = managementPort;
    }

    /** Starts it and returns when all engines are up as its workers. */
    static Gateway start(TandemOptions options, List<String> settings, int workers, Path folder, String cores)
            throws IOException {
        int managementPort = Proxies.freePort();
        ProxyProcess.Spec spec = options.with(settings, managementPort);
        HttpClient probe = HttpClient.newBuilder().connectTimeout(PATIENCE).build();
        URI health = URI.create("http://127.0.0.1:" + spec.port() + "/healthz");
        ProxyProcess process = ProxyProcess.start(spec, folder, cores, () -> up(probe, health, workers));
        return new Gateway(process, managementPort);
    }

    /** Returns the settings of a gateway for these pools, without their registered engines. */
    static List<String> settings(List<Pool> pools, List<Site> sites, Listeners listeners) {
        List<String> settings = new ArrayList<>(listeners.settings());
        settings.add("--tandem.disagg.canary.enabled=false");
        int number = 0;
        for (Pool pool : pools) {
            for (Site site : sites) {
                if (site.pool().equals(pool.name()) && pool.known() != Pool.Known.REGISTERED) {
                    settings.addAll(pool.settings(site, number++));
                }
            }
        }
        return settings;
    }

    int port() {
        return process.spec().port();
    }

    String version() {
        return process.spec().version();
    }

    /** Returns {@code tandem_handovers_total} of a connector, by result. */
    Map<String, Long> handovers(String connector) throws IOException {
        return handovers(get(client, URI.create("http://127.0.0.1:" + managementPort + "/metrics")), connector);
    }

    /** Reads {@code tandem_handovers_total} of a connector out of a page of metrics. */
    static Map<String, Long> handovers(String metrics, String connector) {
        Map<String, Long> results = new TreeMap<>();
        Matcher line = HANDOVERS.matcher(metrics);
        while (line.find()) {
            Map<String, String> labels = new TreeMap<>();
            Matcher label = LABEL.matcher(line.group(1));
            while (label.find()) {
                labels.put(label.group(1), label.group(2));
            }
            if (connector.equals(labels.get("connector"))) {
                results.merge(labels.getOrDefault("result", ""), (long) Double.parseDouble(line.group(2)), Long::sum);
            }
        }
        return results;
    }

    @Override
    public void close() {
        process.close();
    }

    private static boolean up(HttpClient probe, URI health, int workers) {
        try {
            JsonNode list = JsonMapper.shared().readTree(get(probe, health)).path("workers");
            long up = StreamSupport.stream(list.spliterator(), false)
                    .filter(worker -> worker.path("state").asString("").equals("up"))
                    .count();
            return up == workers;
        } catch (IOException e) {
            return false;
        }
    }

    private static String get(HttpClient client, URI address) throws IOException {
        try {
            HttpRequest request =
                    HttpRequest.newBuilder(address).timeout(PATIENCE).build();
            return client.send(request, BodyHandlers.ofString()).body();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}
