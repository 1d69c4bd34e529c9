// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import static dev.tandem.simulator.llama.LlamaClient.act;
import static dev.tandem.simulator.llama.LlamaClient.ask;
import static dev.tandem.simulator.llama.LlamaClient.await;
import static dev.tandem.simulator.llama.LlamaClient.complete;
import static dev.tandem.simulator.llama.LlamaClient.post;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.simulator.engine.Speed;
import dev.tandem.simulator.http.RawClient;
import dev.tandem.simulator.http.RawClient.Response;
import dev.tandem.simulator.llama.StrictMode.Rule;
import dev.tandem.simulator.wire.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StrictModeTest {
    @TempDir
    Path folder;

    private void assertViolation(SimulatedLlamaServer server, Rule rule, Response response) {
        assertThat(response.status()).isEqualTo(400);
        assertThat(response.body()).contains(rule + ": ", "ContractViolation");
        assertThat(server.journal().violations())
                .singleElement()
                .satisfies(seen -> assertThat(seen.violation().orElseThrow()).startsWith(rule + ": "));
    }

    @Test
    void slotsOutOfRangeAreRefused() throws IOException {
        for (int slot : new int[] {2, -2}) {
            try (SimulatedLlamaServer server = SimulatedLlamaServer.start(LlamaOptions.of("m", folder))) {
                Response answer = post(server, "/v1/completions", Json.text(ask("hello", slot)));
                assertViolation(server, Rule.SLOT_OUT_OF_RANGE, answer);
            }
            try (SimulatedLlamaServer server = SimulatedLlamaServer.start(LlamaOptions.of("m", folder))) {
                assertViolation(server, Rule.SLOT_OUT_OF_RANGE, act(server, slot, "save", "a.bin"));
            }
        }
    }

    @Test
    void aRelaxedServerTakesSlotIdsModuloTheirNumber() throws IOException {
        LlamaOptions relaxed = LlamaOptions.of("m", folder).withStrict(false);
        try (SimulatedLlamaServer server = SimulatedLlamaServer.start(relaxed)) {
            complete(server, ask("hello", 9));
            assertThat(server.slotTokens().get(0)).isZero();
            assertThat(server.slotTokens().get(1)).isPositive();
            assertThat(act(server, 3, "save", "a.bin").body()).contains("\"id_slot\":3");
            assertThat(server.journal().violations()).isEmpty();
        }
    }

    @Test
    void aStreamedPrefillLegIsNotSaved() throws IOException {
        try (SimulatedLlamaServer server = SimulatedLlamaServer.start(LlamaOptions.of("m", folder))) {
            post(
                    server,
                    "/v1/completions",
                    Json.text(ask("hello", 0).put("max_tokens", 1).put("stream", true)));
            assertViolation(server, Rule.STREAMED_PREFILL, act(server, 0, "save", "a.bin"));
            complete(server, ask("hello", 0).put("max_tokens", 1));
            assertThat(act(server, 0, "save", "a.bin").status()).isEqualTo(200);
        }
    }

    @Test
    void aFileOfAnotherModelIsRefused() throws IOException {
        try (SimulatedLlamaServer server = SimulatedLlamaServer.start(LlamaOptions.of("m", folder));
                SimulatedLlamaServer other = SimulatedLlamaServer.start(LlamaOptions.of("n", folder))) {
            complete(server, ask("hello", 0));
            act(server, 0, "save", "a.bin");
            assertViolation(other, Rule.FOREIGN_FILE, act(other, 0, "restore", "a.bin"));
            assertThat(other.slotTokens().getFirst()).isZero();
        }
    }

    @Test
    void aBusySlotIsNotSaved() throws Exception {
        LlamaOptions lively =
                LlamaOptions.of("m", folder).withSpeed(Speed.LIVELY).withAnswerTokens(0);
        try (SimulatedLlamaServer server = SimulatedLlamaServer.start(lively)) {
            CompletableFuture<Response> running = CompletableFuture.supplyAsync(() -> {
                try {
                    return post(
                            server, "/v1/completions", Json.text(ask("hello", 0).put("max_tokens", 40)));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            await(() -> server.busySlots() == 1);
            assertViolation(server, Rule.SLOT_BUSY, act(server, 0, "save", "a.bin"));
            assertThat(running.get().status()).isEqualTo(200);
        }
    }

    @Test
    void aSlotWhoseClientHasLeftIsNotCalledBusy() throws IOException {
        LlamaOptions lively =
                LlamaOptions.of("m", folder).withSpeed(Speed.LIVELY).withAnswerTokens(0);
        try (SimulatedLlamaServer server = SimulatedLlamaServer.start(lively)) {
            String endless = Json.text(ask("hello", 0).put("max_tokens", 1_000).put("stream", true));
            try (RawClient other = new RawClient(server.port())) {
                try (RawClient client = new RawClient(server.port())) {
                    client.send(RawClient.post("/v1/completions", endless));
                    await(() -> server.busySlots() == 1);
                    other.send(RawClient.post("/slots/0?action=save", "{\"filename\":\"a.bin\"}"));
                    await(() -> server.journal().received() == 2);
                }
                assertThat(other.read().status()).isEqualTo(200);
            }
            assertThat(server.journal().violations()).isEmpty();
        }
    }
}
