// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.ops;

/**
 * A page of the gateway's own. Immutable.
 *
 * @param status HTTP status
 * @param contentType media type
 * @param body text
 */
public record Page(int status, String contentType, String body) {
    /** Returns a page of JSON. */
    static Page json(int status, String body) {
        return new Page(status, "application/json", body);
    }
}
