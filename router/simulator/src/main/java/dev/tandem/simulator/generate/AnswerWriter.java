// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.generate;

import java.util.List;
import tools.jackson.databind.JsonNode;

/** Writes the answer of one API to one request: either whole or as events. Confined to one request. */
public interface AnswerWriter {
    /** Returns the body that carries all answers; the pieces of one answer are in their order. */
    JsonNode whole(List<Piece> pieces);

    /** Returns the server-sent events that one more piece causes; the last piece of the last answer ends the stream. */
    List<byte[]> events(Piece piece);
}
