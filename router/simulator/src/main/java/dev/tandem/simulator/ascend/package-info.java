// SPDX-License-Identifier: Apache-2.0
/**
 * vllm-ascend's layer-wise connector (its source of 2026-08-22): the decode leg comes first, its engine calls the
 * router back with where it wants the KV, and the prefill engine writes it there.
 */
@NullMarked
package dev.tandem.simulator.ascend;

import org.jspecify.annotations.NullMarked;
