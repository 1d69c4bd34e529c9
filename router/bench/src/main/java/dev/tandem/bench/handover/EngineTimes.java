// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

/**
 * What an engine has noted of one leg, in nanoseconds of the clock that all processes share. Immutable.
 *
 * @param queuedNanos The prompt came into the engine.
 * @param readyNanos The KV that it waited for was there; {@code queuedNanos} if it waited for none.
 * @param tokenNanos Its first token was computed.
 * @param cachedTokens Tokens of the prompt that the engine did not compute.
 */
record EngineTimes(long queuedNanos, long readyNanos, long tokenNanos, int cachedTokens) {}
