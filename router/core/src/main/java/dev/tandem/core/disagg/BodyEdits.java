// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

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

    /** Returns these edits followed by those; an edit of a field that these edit, too, takes the place of theirs. */
    public BodyEdits and(Edit... more) {
        Map<String, Edit> all = new LinkedHashMap<>();
        Stream.concat(edits.stream(), Stream.of(more)).forEach(edit -> all.put(edit.field(), edit));
        return new BodyEdits(List.copyOf(all.values()));
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
