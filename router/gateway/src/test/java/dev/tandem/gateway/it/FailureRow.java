// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import java.util.List;
import java.util.Set;

/**
 * What followed one failure of one connector's legs in one topology. Immutable.
 *
 * @param topology such as {@code 2p2d}
 * @param failure name of the {@link FailureCell}
 * @param outcome what the client got
 * @param stranded whether the gateway counted a KV cache as left behind
 * @param attempts how many were made
 * @param waits which limits passed before the end; empty for none
 * @param millis how long the client waited, as measured last
 */
record FailureRow(
        String connector,
        String topology,
        String failure,
        String outcome,
        boolean stranded,
        int attempts,
        String waits,
        long millis) {
    private static final Set<String> SIDE_BY_SIDE =
            Set.of("moriio-write", "nixl-push", "mooncake", "offload-p2p", "sglang", "ascend-layerwise");

    /** Names of the columns, in their order. */
    static final String HEAD = "connector,topology,failure,outcome,stranded,attempts,waits,milliseconds";

    /** Reads a line; no field holds a comma. */
    static FailureRow parse(String line) {
        String[] fields = line.split(",", -1);
        return new FailureRow(
                fields[0],
                fields[1],
                fields[2],
                fields[3],
                fields[4].equals("yes"),
                Integer.parseInt(fields[5]),
                fields[6],
                Long.parseLong(fields[7]));
    }

    String line() {
        return String.join(",", fields()) + "," + millis;
    }

    /** Returns the line without what each run measures anew, and without what is chance. */
    String comparable() {
        return chance() ? key() : String.join(",", fields());
    }

    /** Whether decode may have answered by the time at which prefill fails: its KV has been handed over. */
    private boolean chance() {
        return SIDE_BY_SIDE.contains(connector) && failure.equals("prefill: half an answer");
    }

    /** Returns what says for which failure it is. */
    String key() {
        return String.join(",", connector, topology, failure);
    }

    /** Returns whether the same followed, whatever connector and topology. */
    boolean sameEnd(FailureRow other) {
        return end().equals(other.end());
    }

    /** Returns the outcome, the attempts and the waits as a text for readers. */
    String end() {
        return what() + (attempts > 1 ? ", attempt " + attempts : "") + (waits.isEmpty() ? "" : ", " + waits);
    }

    /** Returns what the client got, and what stayed behind. */
    String what() {
        return outcome + (stranded ? ", stranded" : "");
    }

    private List<String> fields() {
        return List.of(
                connector, topology, failure, outcome, stranded ? "yes" : "no", Integer.toString(attempts), waits);
    }
}
