// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.fleet;

import dev.tandem.core.fleet.Worker;
import dev.tandem.gateway.fleet.HttpProbe.Probed;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Who moves the blocks of NIXL, as prefill engines have said of themselves. Thread-safe. */
final class TransferModes {
    private final Map<Worker, Said> said = new ConcurrentHashMap<>();

    /** A prefill engine has answered. */
    void note(Probed prefill, String mode) {
        said.put(prefill.worker(), new Said(prefill.model(), mode));
    }

    /** The worker did not answer: another engine may come back in its place. */
    void forget(Worker worker) {
        said.remove(worker);
    }

    /** Returns what a decode engine that shows either speaks: what all known prefill engines of its model speak. */
    Spoken of(Probed decode, Spoken either) {
        List<String> modes = said.values().stream()
                .filter(prefill -> prefill.model().equals(decode.model()))
                .map(Said::mode)
                .distinct()
                .toList();
        return modes.size() == 1 ? either.moving(modes.getFirst()) : either;
    }

    private record Said(String model, String mode) {}
}
