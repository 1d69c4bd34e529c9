// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.resume;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.request.ApiKind;

/** How a stream that has broken off can go on. */
public sealed interface Continuation {
    /**
     * Another worker goes on behind tokens or text that the client has.
     *
     * @param api what it is asked for
     * @param edits what makes that of the client's request
     */
    record Behind(ApiKind api, BodyEdits edits) implements Continuation {}

    /** Another worker gets the request as it is; what the client has, it generates again. */
    record FromStart() implements Continuation {}

    /**
     * Nobody has to generate anything more.
     *
     * @param events what the client still lacks
     */
    record End(String events) implements Continuation {}

    /**
     * Nobody can go on so that no token is lost, doubled or another.
     *
     * @param why one clause
     */
    record Impossible(String why) implements Continuation {}
}
