// SPDX-License-Identifier: Apache-2.0
/** The simulated language: a reversible tokenizer, the words of the model and content hashes over tokens. */
@NullMarked
package dev.tandem.simulator.text;

import org.jspecify.annotations.NullMarked;
