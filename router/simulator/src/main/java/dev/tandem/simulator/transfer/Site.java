// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.transfer;

import dev.tandem.simulator.engine.Engine;
import dev.tandem.simulator.notice.Mishaps;
import java.util.function.Supplier;

/**
 * The engine process in which a connector lives. Immutable.
 *
 * @param engine Its engine.
 * @param engineId Its id; a restart changes it unless it is fixed.
 * @param version Version of vLLM that it claims to be.
 * @param ranks Workers of the engine ({@code --tensor-parallel-size}).
 * @param mishaps What happens to its notices to a router.
 * @param line What becomes of connections of other engines, at the moment.
 */
public record Site(Engine engine, String engineId, String version, int ranks, Mishaps mishaps, Supplier<Line> line) {
    /** Returns this process as it looks to engines that understand only one kind of hand-over. */
    public Site speaking(String dialect) {
        return new Site(engine, engineId, version + " " + dialect, ranks, mishaps, line);
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
