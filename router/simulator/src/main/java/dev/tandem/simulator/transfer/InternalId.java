// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.transfer;

import dev.tandem.simulator.generate.GenerateRequest;
import java.util.UUID;

/** vLLM's internal ids: sample in front, prompt of a completion behind, and since 0.14 a random end. */
public final class InternalId {
    private InternalId() {}

    /** Returns the id of one answer without the random end. */
    public static String plain(GenerateRequest request, int choice) {
        int n = request.sampling().n();
        String sample = n > 1 ? choice % n + "_" : "";
        String prompt = request.id().startsWith("cmpl-") ? "-" + choice / n : "";
        return sample + request.id() + prompt;
    }

    /** Returns the id of one answer with a new random end. */
    public static String random(GenerateRequest request, int choice) {
        return plain(request, choice) + "-" + UUID.randomUUID().toString().substring(0, 8);
    }
}
