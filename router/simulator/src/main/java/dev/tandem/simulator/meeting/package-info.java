// SPDX-License-Identifier: Apache-2.0
/**
 * How the legs of a request find each other when neither waits for the other's answer: the router gives both a name,
 * the prefill engine is the {@link dev.tandem.simulator.meeting.Meetings host}, and the decode engine
 * {@link dev.tandem.simulator.meeting.Visit visits} it.
 */
@NullMarked
package dev.tandem.simulator.meeting;

import org.jspecify.annotations.NullMarked;
