// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.generate;

import dev.tandem.simulator.engine.Admitted;
import dev.tandem.simulator.engine.Finish;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One more token of one answer. Immutable.
 *
 * @param choice Index of the answer.
 * @param token The token.
 * @param text Text that it releases; may be empty.
 * @param finish Why the answer ends here; null while it goes on.
 * @param stop Stop string that ended it; null if none did.
 * @param admitted What the prefix cache gave the prompt.
 */
public record Piece(
        int choice,
        int token,
        String text,
        @Nullable Finish finish,
        @Nullable String stop,
        Admitted admitted) {
    /** Returns the pieces of one answer. */
    static List<Piece> of(List<Piece> pieces, int choice) {
        return pieces.stream().filter(piece -> piece.choice == choice).toList();
    }

    static String text(List<Piece> pieces) {
        return pieces.stream().map(Piece::text).collect(Collectors.joining());
    }

    static int[] tokens(List<Piece> pieces) {
        return pieces.stream().mapToInt(Piece::token).toArray();
    }

    static Admitted admitted(List<Piece> pieces) {
        return pieces.isEmpty() ? Admitted.NOTHING : pieces.getFirst().admitted;
    }
}
