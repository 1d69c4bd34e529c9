// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.edge;

import java.time.Duration;

/**
 * What the head of a request may be, and how many requests may wait on one connection. Immutable.
 *
 * @param maxLine longest request line in bytes; no line of a chunked body may be longer either
 * @param maxBytes most bytes of all header lines together
 * @param maxHeaders most header lines
 * @param timeout longest time from the first byte of a head to its last
 * @param maxPipelined most requests that may wait for the answer to the one before
 */
public record HeadLimits(int maxLine, int maxBytes, int maxHeaders, Duration timeout, int maxPipelined) {}
