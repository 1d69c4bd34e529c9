// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.wire;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** A request that vLLM answers with an error. The texts are those of vLLM 0.32, recorded on 2026-11-21. */
public final class Rejection extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int status;
    private final String type;
    private final @Nullable String param;

    /** Makes a rejection in the error shape of the OpenAI APIs. */
    public Rejection(int status, String type, String message, @Nullable String param) {
        super(message, null, false, false);
        this.status = status;
        this.type = type;
        this.param = param;
    }

    /** A value that the engine does not accept. */
    public static Rejection badRequest(String message) {
        return new Rejection(400, "BadRequestError", message, null);
    }

    /** A parameter that the engine does not accept; the message ends with its name and, if there is one, its value. */
    public static Rejection badParameter(String message, String param, @Nullable Object value) {
        String suffix = value == null ? "" : ", value=" + value;
        return new Rejection(400, "BadRequestError", message + " (parameter=" + param + suffix + ")", param);
    }

    /** A field that fails the checks of the request's schema. */
    public static Rejection invalid(String kind, String location, String message, String input) {
        String text = "1 validation error:\n  {'type': '" + kind + "', 'loc': '" + location + "', 'msg': '" + message
                + "', 'input': " + input + "}";
        return new Rejection(400, "Bad Request", text, location);
    }

    /** A body that is no JSON. */
    public static Rejection notJson(long position, String reason) {
        String location = "body." + position;
        return invalid(
                "json_invalid",
                location,
                "JSON decode error",
                "'<dict of 0 items>', 'ctx': {'error': '" + reason + "'}");
    }

    /** Returns the HTTP status. */
    public int status() {
        return status;
    }

    /** Returns the body in the shape of the OpenAI APIs. */
    public ObjectNode openAi() {
        ObjectNode body = Json.object();
        body.putObject("error")
                .put("message", getMessage())
                .put("type", type)
                .put("param", param)
                .put("code", status);
        return body;
    }

    /** Returns the body in the shape of the messages API. */
    public ObjectNode anthropic() {
        ObjectNode body = Json.object().put("type", "error");
        body.putObject("error").put("type", type).put("message", getMessage());
        return body;
    }
}
