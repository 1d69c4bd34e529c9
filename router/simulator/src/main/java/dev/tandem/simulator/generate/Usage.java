// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.generate;

import dev.tandem.simulator.engine.Admitted;
import dev.tandem.simulator.wire.Json;
import tools.jackson.databind.node.ObjectNode;

/**
 * Token counts of an answer in vLLM's shapes; whole answers write absent values as null, events leave them out.
 * Immutable.
 *
 * @param prompt Tokens of all prompts.
 * @param completion Tokens of all answers.
 * @param admitted What the prefix cache gave the first prompt.
 * @param details The server shows cached tokens.
 * @param created The API shows how many tokens were added to the cache.
 */
record Usage(int prompt, int completion, Admitted admitted, boolean details, boolean created) {
    ObjectNode whole() {
        ObjectNode usage = counts();
        if (details) {
            ObjectNode cached = usage.putObject("prompt_tokens_details").put("cached_tokens", admitted.shownTokens());
            if (created) {
                cached.put("created_cache_tokens", admitted.createdTokens());
            } else {
                cached.putNull("created_cache_tokens");
            }
            cached.putNull("multimodal_tokens");
        } else {
            usage.putNull("prompt_tokens_details");
        }
        return usage.putNull("completion_tokens_details");
    }

    ObjectNode last() {
        ObjectNode usage = counts();
        if (details) {
            ObjectNode cached = usage.putObject("prompt_tokens_details").put("cached_tokens", admitted.shownTokens());
            if (created) {
                cached.put("created_cache_tokens", admitted.createdTokens());
            }
        }
        return usage;
    }

    ObjectNode counts() {
        return Json.object()
                .put("prompt_tokens", prompt)
                .put("total_tokens", prompt + completion)
                .put("completion_tokens", completion);
    }
}
