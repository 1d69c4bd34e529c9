// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.turn;

import dev.tandem.core.disagg.BodyEdits;

/**
 * The conversation that a request is a turn of. Immutable.
 *
 * @param key what only its turns have
 * @param promptOnly edits of the request after which only what a tokenizer needs is left
 */
public record Conversation(String key, BodyEdits promptOnly) {}
