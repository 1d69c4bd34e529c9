// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/** The body of a client's request, on its way to one or more legs. */
public sealed interface RequestBody {
    /** Returns the media type to send to the worker. */
    String contentType();

    /** Whether a further attempt can send the body again. */
    boolean repeatable();

    /** Gives back what the body holds; idempotent. */
    void release();

    /** A JSON object that has been read whole. Confined to one request; owns its buffer until {@link #release()}. */
    final class Json implements RequestBody {
        private final TopLevelFields fields;
        private final int bytes;
        private final boolean promptLogprobs;
        private @Nullable ByteBuf buffer;
        private @Nullable String digest;

        Json(ByteBuf buffer, TopLevelFields fields) {
            this.buffer = buffer;
            this.fields = fields;
            this.bytes = buffer.readableBytes();
            this.promptLogprobs = text("prompt_logprobs")
                    .filter(asked -> !asked.equals("null"))
                    .isPresent();
        }

        TopLevelFields fields() {
            return fields;
        }

        /**
         * Returns the client's bytes; the caller borrows them. Empty once released: a leg that is late sends nothing.
         */
        ByteBuf bytes() {
            ByteBuf held = buffer;
            return held == null ? Unpooled.EMPTY_BUFFER : held;
        }

        /** Returns the names of the top-level fields in their order. */
        Stream<String> names() {
            return IntStream.range(0, fields.count()).mapToObj(fields::name);
        }

        /**
         * Returns the value of a top-level field as the client wrote it, if the body has one of that name; empty once
         * released.
         */
        public Optional<String> text(String field) {
            int index = fields.indexOf(field);
            ByteBuf held = buffer;
            if (index < 0 || held == null) {
                return Optional.empty();
            }
            int from = fields.valueStart(index);
            return Optional.of(
                    held.toString(held.readerIndex() + from, fields.valueEnd(index) - from, StandardCharsets.UTF_8));
        }

        /** Returns a text that only the same body has: its SHA-256, which is computed once. */
        public String digest() {
            String known = digest;
            if (known == null) {
                known = sha256();
                digest = known;
            }
            return known;
        }

        private String sha256() {
            MessageDigest digest = Sha256.begin();
            for (ByteBuffer part : bytes().nioBuffers()) {
                digest.update(part);
            }
            return HexFormat.of().formatHex(digest.digest());
        }

        /** Whether the client asks for the log-probabilities of its prompt; known also once released. */
        public boolean asksForPromptLogprobs() {
            return promptLogprobs;
        }

        /** Returns the size of the client's body in bytes. */
        public int size() {
            return bytes;
        }

        @Override
        public String contentType() {
            return "application/json";
        }

        @Override
        public boolean repeatable() {
            return true;
        }

        @Override
        public void release() {
            ByteBuf held = buffer;
            buffer = null;
            if (held != null) {
                held.release();
            }
        }
    }

    /**
     * A body that passes through unread and can be sent once. Confined to one request.
     *
     * @param contentType media type with its parameters, as the client sent it
     * @param contentLength length in bytes, or -1 when the client did not say
     * @param bytes the body; each buffer belongs to the subscriber
     */
    record Passthrough(String contentType, long contentLength, Flux<ByteBuf> bytes) implements RequestBody {
        @Override
        public boolean repeatable() {
            return false;
        }

        @Override
        public void release() {
            // nothing is held: unread bytes stay with the connection
        }
    }
}
