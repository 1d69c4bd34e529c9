// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import dev.tandem.simulator.engine.Speed;
import dev.tandem.simulator.lmcache.MpConfig;
import dev.tandem.simulator.notice.Mishaps;
import dev.tandem.simulator.sglang.SglangConfig;
import dev.tandem.simulator.wire.Served;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Options on their way, with vLLM's defaults. Confined to one caller. */
final class OptionDraft {
    String model = "";
    List<String> servedNames = List.of();
    String host = "127.0.0.1";
    int port = 8000;
    int maxModelLength = 32_768;
    int blockSize = 16;
    int blocks;
    int maxSequences = 256;
    int maxBatchedTokens = 2_048;
    EngineOptions.Apis apis = EngineOptions.Apis.GENERATE;
    boolean promptDetails;
    boolean autoToolChoice;
    boolean toolParser;
    boolean requestIdHeader;

    @Nullable
    String apiKey;

    @Nullable
    KvTransfer transfer;

    /** Settings of an engine that is no vLLM; null for vLLM. */
    @Nullable
    SglangConfig sglang;

    @Nullable
    Path store;

    Speed speed = Speed.LIVELY;
    int answerTokens = 64;
    boolean admin = true;
    boolean strict;
    Duration idle = EngineOptions.IDLE;
    Duration exitDelay = EngineOptions.EXIT_DELAY;
    String version = Served.VERSION;
    Mishaps mishaps = Mishaps.NONE;
    int tensorParallel = 1;
    int dataParallel = 1;

    @Nullable
    String telemetry;

    OptionDraft() {}

    OptionDraft(EngineOptions options) {
        model = options.model();
        servedNames = options.servedNames();
        host = options.host();
        port = options.port();
        maxModelLength = options.maxModelLength();
        blockSize = options.blockSize();
        blocks = options.blocks();
        maxSequences = options.maxSequences();
        maxBatchedTokens = options.maxBatchedTokens();
        apis = options.apis();
        promptDetails = options.promptDetails();
        toolParser = options.toolParser();
        requestIdHeader = options.requestIdHeader();
        apiKey = options.apiKey();
        transfer = options.transfer();
        store = options.store();
        speed = options.speed();
        answerTokens = options.answerTokens();
        admin = options.admin();
        strict = options.strict();
        idle = options.idle();
        exitDelay = options.exitDelay();
        version = options.version();
        mishaps = options.mishaps();
        tensorParallel = options.tensorParallel();
        dataParallel = options.dataParallel();
    }

    EngineOptions finish() {
        if (transfer != null && telemetry != null) {
            transfer = transfer.withEnvironment(MpConfig.telemetry(telemetry));
        }
        if (transfer != null) {
            transfer.check(version);
        }
        return new EngineOptions(
                model,
                servedNames.isEmpty() ? List.of(model) : servedNames,
                host,
                port,
                maxModelLength,
                blockSize,
                blocks,
                maxSequences,
                maxBatchedTokens,
                apis,
                promptDetails,
                toolParser,
                requestIdHeader,
                apiKey,
                transfer,
                store,
                speed,
                answerTokens,
                admin,
                strict,
                idle,
                exitDelay,
                version,
                mishaps,
                tensorParallel,
                dataParallel);
    }
}
