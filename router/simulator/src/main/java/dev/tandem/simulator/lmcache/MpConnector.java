// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.lmcache;

import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.notice.Courier;
import dev.tandem.simulator.transfer.Asked;
import dev.tandem.simulator.transfer.Connector;
import dev.tandem.simulator.transfer.HttpPost;
import dev.tandem.simulator.transfer.InternalId;
import dev.tandem.simulator.transfer.Leg;
import dev.tandem.simulator.transfer.Site;
import dev.tandem.simulator.wire.Json;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A connector that tells a router when the KV of a request is in the store: one event per answer and worker, also if
 * nothing was stored. Thread-safe.
 */
final class MpConnector implements Connector {
    /** LMCache waits so long for the router. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final MpConfig config;
    private final URI endpoint;
    private final Site site;
    private final DeferredStore store;
    private final Courier courier;
    private final HttpPost http = new HttpPost(PATIENCE);

    MpConnector(MpConfig config, URI endpoint, Site site, DeferredStore store) {
        this.config = config;
        this.endpoint = endpoint;
        this.site = site;
        this.store = store;
        this.courier = new Courier(site.mishaps().withDelay(Duration.ZERO));
    }

    @Override
    public MpConfig config() {
        return config;
    }

    @Override
    public @Nullable String violation(Asked asked) {
        return StoreConnector.foreignKey(asked.params());
    }

    @Override
    public Leg leg(Asked asked, GenerateRequest request) {
        return new StoredLeg(courier.early(), () -> finish(asked, request), store::flush);
    }

    @Override
    public void close() {
        http.close();
    }

    /** Writes the blocks after the delay and tells every worker's part of it. */
    private CompletionStage<Void> finish(Asked asked, GenerateRequest request) {
        return CompletableFuture.runAsync(store::flush, site.mishaps().executor())
                .thenCompose(stored -> {
                    List<CompletableFuture<Void>> told = new ArrayList<>();
                    for (int choice = 0; choice < request.choices(); choice++) {
                        events(asked.faults(), InternalId.random(request, choice))
                                .forEach(event -> told.add(courier.deliver(() -> http.send(endpoint, event))
                                        .toCompletableFuture()));
                    }
                    return CompletableFuture.allOf(told.toArray(CompletableFuture[]::new));
                });
    }

    private List<? extends JsonNode> events(Set<String> faults, String id) {
        if (faults.contains("notice_garbage")) {
            return List.of(Json.array());
        }
        return faults.contains("notice_never") ? List.of() : events(id);
    }

    private List<ObjectNode> events(String id) {
        return IntStream.range(0, site.ranks())
                .mapToObj(rank -> {
                    ObjectNode event = Json.object().put("event", "request_store_finished");
                    event.putArray("request_ids_set").add(id);
                    return event.put("model_name", site.engine().shape().model())
                            .put("world_size", site.ranks())
                            .put("kv_rank", rank);
                })
                .toList();
    }
}
