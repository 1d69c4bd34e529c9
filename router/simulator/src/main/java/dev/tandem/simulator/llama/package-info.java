// SPDX-License-Identifier: Apache-2.0
/**
 * A stand-in for llama.cpp's {@code llama-server} (build 11669, recorded on 2026-11-21): its HTTP surface, its slots,
 * and the files by which slots are handed over.
 */
@NullMarked
package dev.tandem.simulator.llama;

import org.jspecify.annotations.NullMarked;
