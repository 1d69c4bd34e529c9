// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.Leg;
import dev.tandem.core.disagg.connector.ComputeOnly;
import dev.tandem.core.lifecycle.RequestRecord;
import dev.tandem.gateway.answer.CachedTokens;
import dev.tandem.gateway.answer.PromptLogprobs;
import dev.tandem.gateway.answer.Substitution;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a prefill worker has told of the prompt, and decode's answer shows in place of its own. Thread-safe. */
final class OfPrefill {
    private volatile int cachedTokens = RequestRecord.UNKNOWN;
    private volatile @Nullable PromptLogprobs logprobs;

    /** It has found that many tokens of the prompt in its cache; below 0 when decode knows better. */
    void found(int cached) {
        cachedTokens = cached;
    }

    /** It has told what the client wants to know of its prompt. */
    void told(PromptLogprobs ofPrompt) {
        logprobs = ofPrompt;
    }

    /** Nothing was handed over: decode knows better what it found. */
    void forgetFound() {
        cachedTokens = RequestRecord.UNKNOWN;
    }

    /** Whether it has told what it found. */
    boolean hasFound() {
        return cachedTokens >= 0;
    }

    /** Returns a decode leg that does not ask for what has been told. */
    Leg unasked(Leg decode) {
        return logprobs == null ? decode : ComputeOnly.withoutPrompt(decode);
    }

    /**
     * Returns what the client sees otherwise than decode has answered it; what prefill has found may come later.
     *
     * @param clientsId id of the attempt, in place of one that only engines may see
     */
    List<Substitution> changes(Exchange exchange, String clientsId) {
        List<Substitution> changes = new ArrayList<>(3);
        Leg decode = exchange.decode();
        String engineId = decode.headers().get(Leg.REQUEST_ID);
        if (engineId != null) {
            changes.add(Substitution.ofText(engineId, clientsId));
        }
        String counter = CachedTokens.counter(decode.api());
        if (counter != null && !(exchange instanceof Exchange.Single)) {
            changes.add(Substitution.ofNumber(counter, () -> cachedTokens));
        }
        PromptLogprobs ofPrompt = logprobs;
        if (ofPrompt != null) {
            changes.add(ofPrompt.inItsPlace());
        }
        return changes;
    }
}
