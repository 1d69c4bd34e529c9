// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.moriio;

import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.peer.RemoteEngine;
import dev.tandem.simulator.transfer.Claim;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/** Whether the prefill engine still has what a decode leg wants to read. Confined to one request. */
final class ReadQuestion implements Claim {
    private static final Logger log = LoggerFactory.getLogger(ReadQuestion.class);

    private final MoriioConnector connector;
    private final Claim first;
    private final PeerAddress prefill;
    private final ObjectNode params;
    private final GenerateRequest request;

    ReadQuestion(
            MoriioConnector connector, Claim first, PeerAddress prefill, ObjectNode params, GenerateRequest request) {
        this.connector = connector;
        this.first = first;
        this.prefill = prefill;
        this.params = params;
        this.request = request;
    }

    @Override
    public @Nullable String judge() {
        String used = first.judge();
        return used == null ? ask() : used;
    }

    @Override
    public void giveBack() {
        try (RemoteEngine remote = connector.connect(prefill)) {
            remote.done(params.path(Params.TRANSFER).asString(""));
        } catch (IOException e) {
            log.warn("KV notice failed reason={}", e.getMessage());
        }
    }

    private @Nullable String ask() {
        String id = params.path(Params.TRANSFER).asString("");
        try (RemoteEngine remote = connector.connect(prefill)) {
            return remote.claim(id, Params.digest(params), request.digest()).refusal(id);
        } catch (IOException e) {
            log.info("KV parameters not judged transfer={} reason={}", id, e.getMessage());
            return null;
        }
    }
}
