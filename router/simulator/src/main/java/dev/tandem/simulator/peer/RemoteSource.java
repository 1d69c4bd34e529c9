// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.peer;

import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.engine.Handover.Fetched;
import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The KV of one prompt in another engine. Thread-safe; whatever blocks runs on virtual threads. */
public final class RemoteSource implements Handover.Source {
    private static final Logger log = LoggerFactory.getLogger(RemoteSource.class);

    private final Connection connection;
    private final String requestId;
    private final List<Integer> blocks;

    /** Opens a connection to the engine that has the KV. */
    public interface Connection {
        /** Connects, which blocks. */
        RemoteEngine open() throws IOException;
    }

    /** Uses the engine. */
    private interface Use {
        void of(RemoteEngine remote) throws IOException;
    }

    /** Makes a source of blocks that the other engine keeps under the id of a request. */
    public RemoteSource(Connection connection, String requestId, List<Integer> blocks) {
        this.connection = connection;
        this.requestId = requestId;
        this.blocks = List.copyOf(blocks);
    }

    @Override
    public void fetch(int wanted, Consumer<Fetched> done) {
        Thread.startVirtualThread(() -> done.accept(fetched(wanted)));
    }

    @Override
    public void cancel() {
        tell(remote -> remote.done(requestId));
    }

    @Override
    public void waiting() {
        tell(remote -> remote.waiting(requestId));
    }

    private Fetched fetched(int wanted) {
        if (wanted > blocks.size()) {
            log.warn("KV transfer failed request={} reason=too few remote blocks", requestId);
            return Fetched.FAILED;
        }
        long start = System.nanoTime();
        try (RemoteEngine remote = connection.open()) {
            long connected = System.nanoTime();
            List<Handover.Block> contents = remote.read(blocks.subList(blocks.size() - wanted, blocks.size()));
            long read = System.nanoTime();
            remote.done(requestId);
            return new Fetched(contents, connected - start, read - start);
        } catch (IOException e) {
            log.warn("KV transfer failed request={} reason={}", requestId, e.getMessage());
            return Fetched.FAILED;
        }
    }

    private void tell(Use use) {
        Thread.startVirtualThread(() -> {
            try (RemoteEngine remote = connection.open()) {
                use.of(remote);
            } catch (IOException e) {
                log.warn("KV notice failed request={} reason={}", requestId, e.getMessage());
            }
        });
    }
}
