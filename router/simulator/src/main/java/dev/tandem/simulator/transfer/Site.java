// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.transfer;

import dev.tandem.simulator.engine.Engine;
import dev.tandem.simulator.notice.Mishaps;

/**
 * The engine process in which a connector lives. Immutable.
 *
 * @param engine Its engine.
 * @param engineId Its id; a restart changes it unless it is fixed.
 * @param version Version of vLLM that it claims to be.
 * @param ranks Workers of the engine ({@code --tensor-parallel-size}).
 * @param mishaps What happens to its notices to a router.
 */
public record Site(Engine engine, String engineId, String version, int ranks, Mishaps mishaps) {
    /** Returns this process as it looks to engines that understand only one kind of hand-over. */
    public Site speaking(String dialect) {
        return new Site(engine, engineId, version + " " + dialect, ranks, mishaps);
    }

    /** Returns what has to be equal in engines that exchange KV. */
    public String compatibility() {
        return String.join(
                " ",
                version,
                engine.shape().model(),
                Integer.toString(engine.shape().blockSize()));
    }
}
