// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.lmcache;

import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.peer.Mailbox;
import dev.tandem.simulator.peer.Peer;
import dev.tandem.simulator.peer.SideChannel;
import dev.tandem.simulator.transfer.Asked;
import dev.tandem.simulator.transfer.Connector;
import dev.tandem.simulator.transfer.Leg;
import dev.tandem.simulator.transfer.Site;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A decode engine into whose buffer others push. Thread-safe.
 *
 * <p>Blocks leave the buffer when a request for their prompt is answered, and never by themselves. What is missing is
 * computed anew.
 */
final class PdReceiver implements Connector {
    private final PdConfig config;
    private final Site site;
    private final Mailbox buffer;
    private final SideChannel channel;

    PdReceiver(PdConfig config, Site site, Mailbox buffer) {
        this.site = site;
        this.buffer = buffer;
        this.channel = SideChannel.open(config.host(), config.port(), Peer.of(site, buffer));
        this.config = config.withPort(channel.port());
    }

    @Override
    public PdConfig config() {
        return config;
    }

    @Override
    public int port() {
        return config.port();
    }

    @Override
    public @Nullable String violation(Asked asked) {
        return StoreConnector.foreignKey(asked.params());
    }

    @Override
    public Leg leg(Asked asked, GenerateRequest request) {
        return new StoredLeg(true, () -> fetched(request), () -> {});
    }

    @Override
    public Map<String, Long> facts() {
        return Map.of("strandedBlocks", (long) buffer.size());
    }

    @Override
    public void close() {
        channel.close();
    }

    /** Frees what the engine's own prefix cache has made superfluous, too. */
    private CompletableFuture<Void> fetched(GenerateRequest request) {
        for (GenerateRequest.Prompt prompt : request.prompts()) {
            for (long key : site.engine().shape().blockKeys(prompt.tokens(), request.salt())) {
                buffer.remove(PdBuffer.name(key));
            }
        }
        return CompletableFuture.completedFuture(null);
    }
}
