// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import dev.tandem.simulator.engine.Speed;
import dev.tandem.simulator.lmcache.MpConfig;
import dev.tandem.simulator.moriio.MoriioConfig;
import dev.tandem.simulator.nixl.NixlConfig;
import dev.tandem.simulator.notice.Mishaps;
import dev.tandem.simulator.p2pnccl.P2pNcclConfig;
import dev.tandem.simulator.transfer.ConnectorConfig;
import dev.tandem.simulator.transfer.KvRole;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How a simulated engine is started. Immutable; the {@code with...} methods return changed copies.
 *
 * @param model Model as passed on the command line.
 * @param servedNames Names in requests and answers; the first one is the name in answers.
 * @param host Address to listen on.
 * @param port Port to listen on; 0 for any free one.
 * @param maxModelLength Context length in tokens.
 * @param blockSize Tokens per KV block.
 * @param blocks KV blocks in all; 0 for what the speed's engine has, at least one full context.
 * @param maxSequences Most sequences in one step.
 * @param maxBatchedTokens Token budget of one step.
 * @param apis Which APIs are served.
 * @param promptDetails The usage shows cached tokens.
 * @param toolParser Automatic tool choice is on.
 * @param requestIdHeader Answers carry {@code X-Request-Id}.
 * @param apiKey Key that clients must show on {@code /v1}; null for none.
 * @param transfer KV connector; null for none.
 * @param store Folder of the shared store, wins over the connector's; null for the connector's.
 * @param speed Duration of steps.
 * @param answerTokens Mean natural length of an answer in tokens; 0 for answers that end only at their limit.
 * @param admin The {@code /sim} endpoints and the {@code x-sim-fault} header are on.
 * @param strict Requests that a correct router never sends are refused and noted in the journal.
 * @param idle Time after which an idle connection is closed.
 * @param exitDelay Time between the death of the engine and the end of its server.
 * @param version Version of vLLM that the engine claims to be.
 * @param mishaps What happens to notices that the engine sends to a router.
 * @param tensorParallel Workers of each engine.
 * @param dataParallel Engines behind the server, one for each data parallel rank.
 */
public record EngineOptions(
        String model,
        List<String> servedNames,
        String host,
        int port,
        int maxModelLength,
        int blockSize,
        int blocks,
        int maxSequences,
        int maxBatchedTokens,
        Apis apis,
        boolean promptDetails,
        boolean toolParser,
        boolean requestIdHeader,
        @Nullable String apiKey,
        @Nullable KvTransfer transfer,
        @Nullable Path store,
        Speed speed,
        int answerTokens,
        boolean admin,
        boolean strict,
        Duration idle,
        Duration exitDelay,
        String version,
        Mishaps mishaps,
        int tensorParallel,
        int dataParallel) {
    /** Stands between the command lines of engines of one process. */
    public static final String NEXT = "--sim-next";

    /** uvicorn closes idle connections after this time ({@code VLLM_HTTP_TIMEOUT_KEEP_ALIVE}). */
    static final Duration IDLE = Duration.ofSeconds(5);

    /** A vLLM whose engine has died is gone within seconds (2026-11-21). */
    static final Duration EXIT_DELAY = Duration.ofSeconds(2);

    /** Which APIs an engine serves; a vLLM process serves one group, chosen by its model. */
    public enum Apis {
        /** Text generation. */
        GENERATE,
        /** Embeddings and scores. */
        POOLING,
        /** Speech to text. */
        TRANSCRIPTION,
        /** Everything at once, which no vLLM does; for a gateway that runs without any real engine. */
        ALL;

        boolean serves(Apis group) {
            return this == ALL || this == group;
        }
    }

    /** Copies the names. */
    public EngineOptions {
        servedNames = List.copyOf(servedNames);
    }

    /**
     * Reads vLLM's own arguments and those of the simulator, with vLLM's defaults.
     *
     * @throws UsageException for what vLLM would refuse
     */
    public static EngineOptions parse(String... arguments) {
        return OptionParser.parse(arguments);
    }

    /** Returns the help text of the command line. */
    public static String help() {
        return OptionParser.help();
    }

    /** Returns the usage line of the command line. */
    public static String usage() {
        return OptionParser.usage();
    }

    /**
     * Returns options for tests: no time passes, all APIs, prompt details, tool choice, strict refusals and the admin
     * endpoints are on. Port 0 means any free port.
     */
    public static EngineOptions of(String model, int port) {
        OptionDraft draft = new OptionDraft();
        draft.model = model;
        draft.port = port;
        draft.speed = Speed.INSTANT;
        draft.apis = Apis.ALL;
        draft.promptDetails = true;
        draft.toolParser = true;
        draft.strict = true;
        return draft.finish();
    }

    /** Returns these options with other served names. */
    public EngineOptions withServedNames(String... names) {
        return with(draft -> draft.servedNames = List.of(names));
    }

    /** Returns these options with another address to listen on. */
    public EngineOptions withHost(String address) {
        return with(draft -> draft.host = address);
    }

    /** Returns these options with another context length. */
    public EngineOptions withMaxModelLength(int tokens) {
        return with(draft -> draft.maxModelLength = tokens);
    }

    /** Returns these options with another size and number of KV blocks; 0 blocks for the default. */
    public EngineOptions withBlocks(int size, int number) {
        return with(draft -> {
            draft.blockSize = size;
            draft.blocks = number;
        });
    }

    /** Returns these options with other limits of a step. */
    public EngineOptions withBatch(int sequences, int tokens) {
        return with(draft -> {
            draft.maxSequences = sequences;
            draft.maxBatchedTokens = tokens;
        });
    }

    /** Returns these options with other APIs. */
    public EngineOptions withApis(Apis served) {
        return with(draft -> draft.apis = served);
    }

    /** Returns these options with a key that clients must show. */
    public EngineOptions withApiKey(String key) {
        return with(draft -> draft.apiKey = key);
    }

    /** Returns these options with another speed. */
    public EngineOptions withSpeed(Speed other) {
        return with(draft -> draft.speed = other);
    }

    /** Returns these options with a shared store in a folder, written and read. */
    public EngineOptions withStore(Path folder) {
        return with(draft -> {
            draft.transfer = new KvTransfer("ExampleConnector", true, true, folder, null);
            draft.store = folder;
        });
    }

    /**
     * Returns these options with an LMCache server that keeps its KV in a folder, and tells a router what it stores.
     */
    public EngineOptions withLmcacheMp(Path folder, URI telemetry) {
        return with(draft ->
                draft.transfer = new KvTransfer("LMCacheMPConnector", true, true, folder, new MpConfig(telemetry)));
    }

    /** Returns these options with another number of workers. */
    public EngineOptions withTensorParallel(int workers) {
        return with(draft -> draft.tensorParallel = workers);
    }

    /** Returns these options with another number of data parallel ranks. */
    public EngineOptions withDataParallel(int ranks) {
        return with(draft -> draft.dataParallel = ranks);
    }

    /** Returns these options with another mean length of answers. */
    public EngineOptions withAnswerTokens(int tokens) {
        return with(draft -> draft.answerTokens = tokens);
    }

    /** Returns these options with cached tokens shown in the usage or not. */
    public EngineOptions withPromptDetails(boolean shown) {
        return with(draft -> draft.promptDetails = shown);
    }

    /** Returns these options with the admin endpoints on or off. */
    public EngineOptions withAdmin(boolean on) {
        return with(draft -> draft.admin = on);
    }

    /** Returns these options with refusals of what a correct router never sends, or with vLLM's own behaviour. */
    public EngineOptions withStrict(boolean on) {
        return with(draft -> draft.strict = on);
    }

    /** Returns these options with the NIXL connector for both roles and a free side channel port on this machine. */
    public EngineOptions withNixl() {
        return withNixl(NixlConfig.of(KvRole.BOTH).withSideChannel("127.0.0.1", 0));
    }

    /** Returns these options with the NIXL connector. */
    public EngineOptions withNixl(NixlConfig config) {
        return withConnector("NixlConnector", config);
    }

    /** Returns these options with a connector, by the name of its class in vLLM. */
    public EngineOptions withConnector(String name, ConnectorConfig config) {
        return with(draft -> draft.transfer = KvTransfer.direct(name, config));
    }

    /** Returns these options with the connector that was removed in vLLM 0.24, in a version that still has it. */
    public EngineOptions withP2pNccl(P2pNcclConfig config) {
        return withVersion(P2pNcclConfig.LAST_WORKING).withConnector(P2pNcclConfig.NAME, config);
    }

    /** Returns these options with AMD's connector. */
    public EngineOptions withMoriio(MoriioConfig config) {
        return withConnector(MoriioConfig.NAME, config);
    }

    /** Returns these options with what vLLM's environment variables say about the connector. */
    public EngineOptions withEnvironment(Map<String, String> variables) {
        KvTransfer known = transfer;
        return known == null ? this : with(draft -> draft.transfer = known.withEnvironment(variables));
    }

    /** Returns these options with what happens to the engine's notices to a router. */
    public EngineOptions withMishaps(Mishaps other) {
        return with(draft -> draft.mishaps = other);
    }

    /** Returns these options with another version of vLLM that the engine claims to be. */
    public EngineOptions withVersion(String claimed) {
        return with(draft -> draft.version = claimed);
    }

    /** Returns these options with another time after which idle connections are closed. */
    public EngineOptions withIdle(Duration time) {
        return with(draft -> draft.idle = time);
    }

    /** Returns these options with another time between the death of the engine and the end of its server. */
    public EngineOptions withExitDelay(Duration time) {
        return with(draft -> draft.exitDelay = time);
    }

    private EngineOptions with(Consumer<OptionDraft> change) {
        OptionDraft draft = new OptionDraft(this);
        change.accept(draft);
        return draft.finish();
    }
}
