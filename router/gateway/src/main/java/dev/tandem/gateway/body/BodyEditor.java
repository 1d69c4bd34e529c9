// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.disagg.BodyEdits.Edit;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Applies the edits of a leg by splicing: every byte outside the edited fields is a slice of the client's own buffer.
 * Stateless.
 *
 * <p>Fields that steer an engine's KV hand-over never come from a client: engines dial the hosts and trust the block
 * numbers in them (CVE-2026-94622 to 94627, vLLM up to 0.29.0). They are dropped from every leg.
 */
public final class BodyEditor {
    private BodyEditor() {}

    /** Returns the body of a leg. The caller owns it; the client's buffer stays with the request. */
    public static ByteBuf apply(RequestBody.Json body, BodyEdits edits) {
        Splice splice = new Splice(body.fields());
        for (int i = 0; i < body.fields().count(); i++) {
            if (ControlFields.contains(body.fields().name(i))) {
                splice.drop(i);
            }
        }
        for (Edit edit : edits.edits()) {
            switch (edit) {
                case Edit.Put(String field, String json) -> splice.put(field, json);
                case Edit.PutIfPresent(String field, String json) -> splice.replace(field, json);
                case Edit.Drop(String field) -> splice.drop(body.fields().indexOf(field));
            }
        }
        return splice.unchanged() ? body.bytes().retainedDuplicate() : splice.cut(body.bytes());
    }

    /** One pass over the members: what stays, what goes, what is replaced, what comes behind. */
    private static final class Splice {
        private final TopLevelFields fields;
        private final boolean[] dropped;
        private final @Nullable String[] replaced;
        private final StringBuilder appended = new StringBuilder();
        private boolean changed;

        private Splice(TopLevelFields fields) {
            this.fields = fields;
            this.dropped = new boolean[fields.count()];
            this.replaced = new @Nullable String[fields.count()];
        }

        private boolean unchanged() {
            return !changed;
        }

        private void drop(int index) {
            if (index >= 0) {
                dropped[index] = true;
                changed = true;
            }
        }

        private boolean replace(String field, String json) {
            int index = fields.indexOf(field);
            if (index < 0) {
                return false;
            }
            replaced[index] = json;
            dropped[index] = false;
            changed = true;
            return true;
        }

        private void put(String field, String json) {
            if (!replace(field, json)) {
                appended.append(",\"").append(field).append("\":").append(json);
                changed = true;
            }
        }

        /** Copies nothing but the new values. */
        private ByteBuf cut(ByteBuf source) {
            int lastKept = fields.count() - 1;
            while (lastKept >= 0 && dropped[lastKept]) {
                lastKept--;
            }
            Pieces pieces = new Pieces(source, 2 * fields.count() + 3);
            for (int i = 0; i <= lastKept; i++) {
                String json = replaced[i];
                if (dropped[i]) {
                    pieces.skip(fields.keyStart(i), fields.keyStart(i + 1));
                } else if (json != null) {
                    pieces.skip(fields.valueStart(i), fields.valueEnd(i));
                    pieces.insert(json);
                }
            }
            int kept = lastKept < 0 ? fields.objectStart() + 1 : fields.valueEnd(lastKept);
            int end = fields.count() == 0 ? kept : fields.valueEnd(fields.count() - 1);
            pieces.skip(kept, end);
            if (!appended.isEmpty()) {
                pieces.insert(lastKept < 0 ? appended.substring(1) : appended.toString());
            }
            return pieces.finish();
        }
    }

    /** The parts of the new body, in order. */
    private static final class Pieces {
        private final ByteBuf source;
        private final CompositeByteBuf out;
        private int copied;

        private Pieces(ByteBuf source, int most) {
            this.source = source;
            this.out = Unpooled.compositeBuffer(Math.max(most, 2));
        }

        /** Takes the source up to {@code from} and goes on at {@code to}. */
        private void skip(int from, int to) {
            if (from > copied) {
                out.addComponent(true, source.retainedSlice(source.readerIndex() + copied, from - copied));
            }
            copied = to;
        }

        private void insert(String text) {
            out.addComponent(true, Unpooled.wrappedBuffer(text.getBytes(StandardCharsets.UTF_8)));
        }

        private ByteBuf finish() {
            skip(source.readableBytes(), source.readableBytes());
            return out;
        }
    }
}
