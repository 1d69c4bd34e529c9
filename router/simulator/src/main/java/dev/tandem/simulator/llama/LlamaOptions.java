// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.llama;

import dev.tandem.simulator.engine.Speed;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How a simulated llama-server is started. Immutable; the {@code with...} methods return changed copies.
 *
 * @param model Model file as passed on the command line; it is never opened.
 * @param aliases Names of the model; the first one stands in answers.
 * @param host Address to listen on.
 * @param port Port to listen on; 0 for any free one.
 * @param contextTokens Context of all slots together, in tokens.
 * @param slots Number of slots.
 * @param unified Every slot may use the whole context instead of its share.
 * @param batchTokens Most tokens of one evaluation.
 * @param slotFolder Folder of saved slots; null turns slot actions off.
 * @param similarity Least share of a prompt that a slot must hold to be chosen for it, 0-1; 0 never chooses by content.
 * @param metricsShown {@code /metrics} is on.
 * @param slotsShown {@code GET /slots} is on.
 * @param apiKey Key that clients must show; null for none.
 * @param speed Duration of evaluations.
 * @param answerTokens Mean natural length of an answer in tokens; 0 for answers that end only at their limit.
 * @param strict Requests that the real server wrongly accepts are refused.
 * @param admin The {@code /sim} endpoints and the {@code x-sim-fault} header are on.
 */
public record LlamaOptions(
        String model,
        List<String> aliases,
        String host,
        int port,
        int contextTokens,
        int slots,
        boolean unified,
        int batchTokens,
        @Nullable Path slotFolder,
        double similarity,
        boolean metricsShown,
        boolean slotsShown,
        @Nullable String apiKey,
        Speed speed,
        int answerTokens,
        boolean strict,
        boolean admin) {
    /** llama.cpp rounds the context of a sequence up to a multiple of this. */
    private static final int CONTEXT_STEP = 256;

    /** Copies the names. */
    public LlamaOptions {
        aliases = List.copyOf(aliases);
    }

    /**
     * Reads llama-server's own arguments and those of the simulator.
     *
     * @throws dev.tandem.simulator.http.UsageException for what llama-server would refuse
     */
    public static LlamaOptions parse(String... arguments) {
        return new LlamaOptionParser().parse(arguments);
    }

    /** Returns the help text of the command line. */
    public static String help() {
        return LlamaOptionParser.help();
    }

    /**
     * Returns options for tests: any free port, two slots of 2048 tokens, metrics and admin endpoints on, strict, and
     * no time passes.
     */
    public static LlamaOptions of(String alias, @Nullable Path slotFolder) {
        LlamaOptionParser draft = new LlamaOptionParser();
        draft.model = alias + ".gguf";
        draft.aliases = List.of(alias);
        draft.port = 0;
        draft.slots = 2;
        draft.unified = false;
        draft.slotFolder = slotFolder;
        draft.metricsShown = true;
        draft.speed = Speed.INSTANT;
        draft.strict = true;
        return draft.finish();
    }

    /** Returns these options with another number of slots that share another context. */
    public LlamaOptions withSlots(int number, int context) {
        return change(draft -> {
            draft.slots = number;
            draft.unified = false;
            draft.contextTokens = context;
        });
    }

    /** Returns these options with another model file. */
    public LlamaOptions withModel(String file) {
        return change(draft -> draft.model = file);
    }

    /** Returns these options with strictness on or off. */
    public LlamaOptions withStrict(boolean on) {
        return change(draft -> draft.strict = on);
    }

    /** Returns these options with another speed. */
    public LlamaOptions withSpeed(Speed other) {
        return change(draft -> draft.speed = other);
    }

    /** Returns these options with another mean length of answers. */
    public LlamaOptions withAnswerTokens(int tokens) {
        return change(draft -> draft.answerTokens = tokens);
    }

    /** Returns these options with a key that clients must show. */
    public LlamaOptions withApiKey(String key) {
        return change(draft -> draft.apiKey = key);
    }

    /** Returns the name in answers. */
    public String alias() {
        return aliases.getFirst();
    }

    /** Returns the name by which models are told apart: the file's, without its folder. */
    String modelName() {
        return String.valueOf(Path.of(model).getFileName());
    }

    /** Returns the context of one slot in tokens. */
    int slotContext() {
        int share = unified ? contextTokens : contextTokens / slots;
        return (share + CONTEXT_STEP - 1) / CONTEXT_STEP * CONTEXT_STEP;
    }

    private LlamaOptions change(Consumer<LlamaOptionParser> change) {
        LlamaOptionParser draft = new LlamaOptionParser(this);
        change.accept(draft);
        return draft.finish();
    }
}
