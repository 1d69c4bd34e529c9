// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import dev.tandem.core.prefix.Fingerprint;
import org.jspecify.annotations.Nullable;

/**
 * A JSON body and what routing needs to know of it. Confined to one request.
 *
 * @param body the bytes
 * @param model the model that the client named, or null
 * @param streaming whether the client asked for a stream
 * @param splittable whether prefill and decode may run on two workers: one prompt and one answer, and nothing of the
 *     prompt in it
 * @param promptTokens estimated prompt tokens: a quarter of the prompt's bytes, inline media left out
 * @param fingerprint prefix of the prompt
 */
public record ScannedBody(
        RequestBody.Json body,
        @Nullable String model,
        boolean streaming,
        boolean splittable,
        int promptTokens,
        Fingerprint fingerprint) {}
