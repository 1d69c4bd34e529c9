// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.exchange;

import java.time.Duration;

/**
 * How the gateway talks to engines. Immutable.
 *
 * @param connectTimeout longest wait for a connection
 * @param streamSilence longest silence of a stream, its first byte included
 * @param answerSilence longest silence of an answer that is not streamed: it comes when generation has ended
 * @param idleTimeout age at which an unused connection is closed; vLLM closes its own after 5 s
 * @param maxConnections most connections to one worker
 * @param receiveBuffer bytes that the kernel keeps of an answer whose client reads slowly
 */
public record EngineSettings(
        Duration connectTimeout,
        Duration streamSilence,
        Duration answerSilence,
        Duration idleTimeout,
        int maxConnections,
        int receiveBuffer) {}
