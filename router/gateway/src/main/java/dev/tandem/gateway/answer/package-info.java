// SPDX-License-Identifier: Apache-2.0
/** What engines answer: how much of it is read, what is looked up in it, and its way back to the client. */
@NullMarked
package dev.tandem.gateway.answer;

import org.jspecify.annotations.NullMarked;
