// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.resume;

import dev.tandem.core.disagg.BodyEdits;

/** How a stream that has broken off can go on. */
public sealed interface Continuation {
    /**
     * Another worker goes on as a completion behind the tokens that the client has.
     *
     * @param edits what makes this completion of the client's request
     */
    record Behind(BodyEdits edits) implements Continuation {}

    /** Nothing has been generated yet: another worker gets the request as it is. */
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
