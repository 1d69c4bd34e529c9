// SPDX-License-Identifier: Apache-2.0
/**
 * Messages that engines send unasked: registrations, notices and callbacks. They come in on listeners of their own,
 * never on the clients' port, and each listener is off unless it is configured.
 */
@NullMarked
package dev.tandem.gateway.handover;

import org.jspecify.annotations.NullMarked;
