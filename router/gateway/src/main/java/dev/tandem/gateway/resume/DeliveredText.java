// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.resume;

import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;

/**
 * Text that a client has got, up to a limit, and how much of it the worker that goes on has said again. Confined to one
 * request.
 *
 * <p>A word begins where a piece does that begins with white space behind something else: tokenizers of today's models
 * begin tokens there, so that the text before it makes the same tokens with and without what follows.
 */
final class DeliveredText {
    private static final String INCOMPLETE = "\ufffd";

    private final int most;
    private final StringBuilder text = new StringBuilder();
    private int said;
    private int pieces;
    private int word;
    private int piecesBeforeWord;
    private boolean tooLong;

    /**
     * Begins one.
     *
     * @param most most characters that are kept
     */
    DeliveredText(int most) {
        this.most = most;
    }

    /**
     * Takes what a worker says next and returns what of it the client does not have.
     *
     * @throws FailureException if the client has other text there
     */
    String add(String piece) {
        int again = Math.min(piece.length(), text.length() - said);
        if (again > 0 && !text.substring(said, said + again).equals(piece.substring(0, again))) {
            throw new FailureException(Failure.STREAM_INTERRUPTED, "another worker went on with other text");
        }
        String news = piece.substring(again);
        if (!tooLong && !piece.isEmpty()) {
            noteWord(piece.charAt(0));
            text.append(news);
            said += piece.length();
            pieces++;
        }
        if (text.length() > most) {
            forget();
            tooLong = true;
        }
        return news;
    }

    private void noteWord(char first) {
        boolean begins = said > word && Character.isWhitespace(first) && !Character.isWhitespace(text.charAt(said - 1));
        if (begins) {
            word = said;
            piecesBeforeWord = pieces;
        }
    }

    /** Nobody has to say again what has been said until now. */
    void forget() {
        text.delete(0, said);
        said = 0;
        word = 0;
        tooLong = false;
    }

    boolean isEmpty() {
        return text.isEmpty() && !tooLong;
    }

    /** Whether there was more than is kept. */
    boolean tooLong() {
        return tooLong;
    }

    /** From now on a worker says everything again. */
    void fromStart() {
        said = 0;
        pieces = 0;
    }

    /** From now on a worker says the last word again. */
    void fromLastWord() {
        said = word;
        pieces = piecesBeforeWord;
    }

    /** Returns the text before the last word; empty when nobody could go on behind it. */
    String beforeLastWord() {
        String before = text.substring(0, word);
        return before.contains(INCOMPLETE) ? "" : before;
    }

    /** Returns of how many pieces that text has come. */
    int piecesBeforeLastWord() {
        return piecesBeforeWord;
    }
}
