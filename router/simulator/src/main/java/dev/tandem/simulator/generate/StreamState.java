// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.generate;

import dev.tandem.simulator.engine.Admitted;
import dev.tandem.simulator.wire.Served;

/** How far a streamed answer has come. Confined to one request. */
final class StreamState {
    private final GenerateRequest request;
    private final int[] tokens;
    private final int[] characters;
    private int total;
    private int finished;
    private Admitted admitted = Admitted.NOTHING;

    StreamState(GenerateRequest request) {
        this.request = request;
        this.tokens = new int[request.choices()];
        this.characters = new int[request.choices()];
    }

    /** Returns true if no piece of this answer was added yet. */
    boolean isFirst(Piece piece) {
        return tokens[piece.choice()] == 0;
    }

    /** Returns true if no piece at all was added yet. */
    boolean isEmpty() {
        return total == 0;
    }

    /** Returns the characters of the answer before the piece that was added last. */
    int offset(Piece piece) {
        return characters[piece.choice()] - piece.text().length();
    }

    void add(Piece piece) {
        tokens[piece.choice()]++;
        characters[piece.choice()] += piece.text().length();
        if (total++ == 0) {
            admitted = piece.admitted();
        }
        if (piece.finish() != null) {
            finished++;
        }
    }

    /** Returns true once all answers have ended. */
    boolean ended() {
        return finished == tokens.length;
    }

    Usage usage(Served served, boolean created) {
        return new Usage(request.promptTokens(), total, admitted, served.details(), created);
    }
}
