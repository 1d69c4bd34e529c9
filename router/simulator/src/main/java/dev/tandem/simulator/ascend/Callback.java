// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.ascend;

import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.engine.Handover.Block;
import dev.tandem.simulator.engine.Handover.Fetched;
import dev.tandem.simulator.peer.Mailbox;
import dev.tandem.simulator.transfer.HttpPost;
import dev.tandem.simulator.wire.Json;
import java.net.URI;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * KV for which a decode engine calls the router back, and then waits without bound. Thread-safe.
 *
 * <p>Whatever status the router answers is ignored; only if there is no answer the call is tried again.
 */
final class Callback implements Handover.Source {
    private static final Logger log = LoggerFactory.getLogger(Callback.class);
    private static final int MOST_TRIES = 3;

    /** The id of no request; one that only ends otherwise a router may take for its own. */
    private static final String UNKNOWN = "cmpl-" + "0".repeat(32) + "-0";

    private final Route route;
    private final String name;
    private final IntFunction<ObjectNode> params;
    private final Set<String> faults;

    /**
     * The way to the router and back.
     *
     * @param http Calls.
     * @param metaserver Where the router listens.
     * @param mailbox Where the prefill engine writes.
     */
    record Route(HttpPost http, URI metaserver, Mailbox mailbox) {}

    /** Makes a callback of a request; {@code params} gives its body for a number of blocks. */
    Callback(Route route, String name, IntFunction<ObjectNode> params, Set<String> faults) {
        this.route = route;
        this.name = name;
        this.params = params;
        this.faults = faults;
    }

    @Override
    public void fetch(int wanted, Consumer<Fetched> done) {
        long start = System.nanoTime();
        CompletionStage<List<Block>> letter = route.mailbox().letter(name);
        letter.thenAccept(blocks -> {
            route.mailbox().remove(name);
            int from = blocks.size() - wanted;
            done.accept(
                    from < 0
                            ? Fetched.FAILED
                            : new Fetched(blocks.subList(from, blocks.size()), 0, System.nanoTime() - start));
        });
        call(params.apply(wanted));
    }

    @Override
    public void cancel() {}

    @Override
    public void waiting() {}

    @Override
    public void abandon() {
        route.mailbox().remove(name);
    }

    private void call(ObjectNode body) {
        if (faults.contains("callback_never")) {
            return;
        }
        if (faults.contains("callback_unknown")) {
            post(body.deepCopy().put(Params.REQUEST, UNKNOWN), MOST_TRIES);
        }
        post(faults.contains("callback_garbage") ? Json.array() : body, MOST_TRIES);
        if (faults.contains("callback_twice")) {
            post(body, MOST_TRIES);
        }
    }

    private void post(JsonNode body, int tries) {
        CompletionStage<Integer> status = route.http().send(route.metaserver(), body);
        status.whenComplete((code, failed) -> {
            if (failed != null && tries > 1) {
                post(body, tries - 1);
            } else if (failed != null) {
                log.warn("callback failed request={} reason={}", name, failed.getMessage());
            }
        });
    }
}
