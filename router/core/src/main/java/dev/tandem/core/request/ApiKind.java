// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.request;

/**
 * The APIs that the gateway speaks. The path sent to a worker is a constant of this enum, never text of a client.
 *
 * <p>Source: vLLM 0.32 HTTP surface, 2026-11-21.
 */
public enum ApiKind {
    /** Text completion. */
    COMPLETIONS("/v1/completions", true),
    /** Chat completion. */
    CHAT("/v1/chat/completions", true),
    /** OpenAI's Responses API. */
    RESPONSES("/v1/responses", true),
    /** Anthropic's Messages API. */
    MESSAGES("/v1/messages", true),
    /** Embeddings. */
    EMBEDDINGS("/v1/embeddings", false),
    /** Reranking of documents. */
    RERANK("/v1/rerank", false),
    /** Scoring of text pairs. */
    SCORE("/v1/score", false),
    /** Speech to text; the body is multipart and passes through unread. */
    TRANSCRIPTIONS("/v1/audio/transcriptions", false),
    /** Text to token ids. */
    TOKENIZE("/tokenize", false),
    /** Token ids to text. */
    DETOKENIZE("/detokenize", false);

    private final String path;
    private final boolean generative;

    ApiKind(String path, boolean generative) {
        this.path = path;
        this.generative = generative;
    }

    /** Returns the path, the same on the gateway and on a worker. */
    public String path() {
        return path;
    }

    /** Whether an answer is generated token by token, so that prefill and decode can run on two workers. */
    public boolean generative() {
        return generative;
    }

    /** Returns the name used in logs and metric tags. */
    public String tag() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }
}
