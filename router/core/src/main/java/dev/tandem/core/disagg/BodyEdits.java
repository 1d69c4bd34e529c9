// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

import java.util.ArrayList;
import java.util.List;

/**
 * Changes that one leg makes to the top level of the client's JSON body; all other bytes stay as they are. Immutable.
 *
 * @param edits the changes; two edits never name the same field
 */
public record BodyEdits(List<Edit> edits) {
    /** The body as the client sent it. */
    public static final BodyEdits NONE = new BodyEdits(List.of());

    /** Copies the list. */
    public BodyEdits {
        edits = List.copyOf(edits);
    }

    /** Returns these edits followed by those. */
    public BodyEdits and(Edit... more) {
        List<Edit> all = new ArrayList<>(edits);
        all.addAll(List.of(more));
        return new BodyEdits(all);
    }

    /** One change of a top-level field. */
    public sealed interface Edit {
        /** Returns the name of the field, without quotes. */
        String field();

        /** Sets the field, replacing what the client sent. */
        record Put(String field, String json) implements Edit {}

        /** Sets the field only if the client sent it. */
        record PutIfPresent(String field, String json) implements Edit {}

        /** Removes the field. */
        record Drop(String field) implements Edit {}
    }
}
