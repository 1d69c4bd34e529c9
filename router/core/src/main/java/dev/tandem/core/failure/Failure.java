// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.failure;

/**
 * One row per thing that can go wrong. Immutable.
 *
 * <p>The row decides the HTTP status and the error type of the answer, whether another attempt may be made, whether the
 * worker is blamed, and at which level it is logged. {@code docs/errors.md} is generated from this enum.
 */
public enum Failure {
    /** The body is not JSON, not UTF-8, or breaks a limit of depth, tokens or duplicate names. */
    INVALID_JSON(400, Source.CLIENT, Retry.NEVER, false, Level.DEBUG),
    /** The request asks for something the gateway refuses, or lacks something that it needs. */
    INVALID_REQUEST(400, Source.CLIENT, Retry.NEVER, false, Level.DEBUG),
    /** The bytes are no proper HTTP/1.1 request, or its head asks for what the gateway refuses to do. */
    MALFORMED_REQUEST(400, Source.CLIENT, Retry.NEVER, false, Level.DEBUG),
    /** The request has to run on one worker, and those of its model run none alone. */
    NOT_SPLITTABLE(400, Source.CLIENT, Retry.NEVER, false, Level.DEBUG),
    /** No worker serves the model that the request names. */
    MODEL_NOT_FOUND(404, Source.CLIENT, Retry.NEVER, false, Level.DEBUG),
    /** The path is not on the list of served paths. */
    UNKNOWN_PATH(404, Source.CLIENT, Retry.NEVER, false, Level.DEBUG),
    /** The path is served with another method. */
    METHOD_NOT_ALLOWED(405, Source.CLIENT, Retry.NEVER, false, Level.DEBUG),
    /** The client did not send its request in time. */
    REQUEST_TIMEOUT(408, Source.CLIENT, Retry.NEVER, false, Level.DEBUG),
    /** The body is larger than the limit. */
    REQUEST_TOO_LARGE(413, Source.CLIENT, Retry.NEVER, false, Level.DEBUG),
    /** The request line is longer than the limit. */
    REQUEST_LINE_TOO_LONG(414, Source.CLIENT, Retry.NEVER, false, Level.DEBUG),
    /** The body is of a media type that the path does not take. */
    UNSUPPORTED_MEDIA_TYPE(415, Source.CLIENT, Retry.NEVER, false, Level.DEBUG),
    /** The client expects something else than `100-continue`. */
    EXPECTATION_FAILED(417, Source.CLIENT, Retry.NEVER, false, Level.DEBUG),
    /** There are more header lines, or longer ones, than the limits allow. */
    HEADERS_TOO_LARGE(431, Source.CLIENT, Retry.NEVER, false, Level.DEBUG),
    /** The client closed its connection before it had the whole answer. */
    CLIENT_LEFT(499, Source.CLIENT, Retry.NEVER, false, Level.DEBUG),
    /** The request is of a version of HTTP that the gateway does not speak. */
    VERSION_NOT_SUPPORTED(505, Source.CLIENT, Retry.NEVER, false, Level.DEBUG),
    /** The gateway holds as many requests as it may, or those that wait have waited for engines in vain. */
    OVERLOADED(503, Source.ROUTER, Retry.NEVER, false, Level.INFO),
    /** No worker that serves the model is healthy. */
    NO_WORKER(503, Source.ROUTER, Retry.NEVER, false, Level.WARN),
    /** The gateway goes down, and the answer has taken longer than it waits for. */
    SHUTTING_DOWN(503, Source.ROUTER, Retry.NEVER, false, Level.WARN),
    /** The request waited or ran longer than it may. */
    DEADLINE_EXCEEDED(504, Source.ROUTER, Retry.NEVER, false, Level.INFO),
    /** No connection to the worker; nothing was sent. */
    CONNECT_FAILED(502, Source.ENGINE, Retry.ALWAYS, true, Level.WARN),
    /** The engine answered 429 or 503: it is alive and full. */
    ENGINE_BUSY(503, Source.ENGINE, Retry.BEFORE_FIRST_BYTE, false, Level.INFO),
    /** The engine accepted the request and sent nothing in time. */
    ENGINE_TIMEOUT(504, Source.ENGINE, Retry.NEVER, true, Level.WARN),
    /** The engine owed bytes and sent none for too long, and others can take what it has. */
    ENGINE_STALLED(504, Source.ENGINE, Retry.BEFORE_FIRST_BYTE, true, Level.WARN),
    /** The engine answered 5xx before its body began. */
    ENGINE_ERROR(502, Source.ENGINE, Retry.BEFORE_FIRST_BYTE, true, Level.WARN),
    /** The engine took the request and closed the connection without an answer. */
    ENGINE_DROPPED(502, Source.ENGINE, Retry.BEFORE_FIRST_BYTE, true, Level.WARN),
    /** The engine answered 4xx: its answer goes to the client as it is. */
    ENGINE_REJECTED(400, Source.ENGINE, Retry.NEVER, false, Level.DEBUG),
    /** The prefill leg failed and its protocol does not allow decode alone. */
    PREFILL_FAILED(502, Source.ENGINE, Retry.WITHOUT_HANDOVER, true, Level.WARN),
    /** The decode worker could not read what the prefill worker had handed over. */
    KV_TRANSFER_FAILED(502, Source.ENGINE, Retry.WITHOUT_HANDOVER, false, Level.WARN),
    /** The request has brought workers down, and is refused for a while. */
    POISON_SUSPECTED(502, Source.ENGINE, Retry.NEVER, false, Level.WARN),
    /** The answer broke off after its first byte had left. */
    STREAM_INTERRUPTED(502, Source.ENGINE, Retry.NEVER, true, Level.WARN),
    /** A fault of the gateway itself. */
    INTERNAL(500, Source.ROUTER, Retry.NEVER, false, Level.ERROR);

    /** Who caused it. */
    public enum Source {
        /** The client: another request would have worked. */
        CLIENT,
        /** The gateway, by its limits, its state or a fault. */
        ROUTER,
        /** A worker or the way to it. */
        ENGINE
    }

    /** Whether another attempt may follow. */
    public enum Retry {
        /** Never. */
        NEVER,
        /** On another worker, while no byte has reached the client. */
        BEFORE_FIRST_BYTE,
        /** On another worker, at once: the first one has not seen the request. */
        ALWAYS,
        /** While no byte has reached the client; the last one runs where nothing has to be handed over. */
        WITHOUT_HANDOVER
    }

    /** How loud the log is. */
    public enum Level {
        /** Of interest to who looks for it. */
        DEBUG,
        /** Normal operation under load. */
        INFO,
        /** An operator should look. */
        WARN,
        /** A fault of ours, with its stack. */
        ERROR
    }

    private final int status;
    private final Source source;
    private final Retry retry;
    private final boolean blamesWorker;
    private final Level level;

    Failure(int status, Source source, Retry retry, boolean blamesWorker, Level level) {
        this.status = status;
        this.source = source;
        this.retry = retry;
        this.blamesWorker = blamesWorker;
        this.level = level;
    }

    /** Returns the machine-readable name: lower case, words joined by underscores. */
    public String code() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }

    /** Returns the HTTP status of the answer, 400 to 599. */
    public int status() {
        return status;
    }

    /** Returns the {@code type} of the error object that a client gets. */
    public String type() {
        return switch (source) {
            case CLIENT -> "invalid_request_error";
            case ROUTER -> "server_error";
            case ENGINE -> "upstream_error";
        };
    }

    /** Returns who caused it. */
    public Source source() {
        return source;
    }

    /** Returns whether another attempt may follow. */
    public Retry retry() {
        return retry;
    }

    /** Whether it counts against the worker's health. */
    public boolean blamesWorker() {
        return blamesWorker;
    }

    /** Returns the log level. */
    public Level level() {
        return level;
    }
}
