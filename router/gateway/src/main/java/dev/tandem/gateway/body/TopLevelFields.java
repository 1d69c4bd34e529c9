// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.body;

import java.util.Arrays;

/**
 * Where the members of a JSON object lie: byte offsets from the start of the body. Confined to one request.
 *
 * <p>Member {@code i} is {@code [keyStart, valueEnd)}: from the opening quote of its name to the byte after its value.
 */
final class TopLevelFields {
    private static final int START_CAPACITY = 16;

    private String[] names = new String[START_CAPACITY];
    private int[] offsets = new int[3 * START_CAPACITY];
    private int count;
    private int objectStart;

    /** Notes the offset of the opening brace. */
    void open(int offset) {
        objectStart = offset;
    }

    /** Appends a member; offsets grow from call to call. */
    void add(String name, int keyStart, int valueStart, int valueEnd) {
        if (count == names.length) {
            names = Arrays.copyOf(names, 2 * count);
            offsets = Arrays.copyOf(offsets, 6 * count);
        }
        names[count] = name;
        offsets[3 * count] = keyStart;
        offsets[3 * count + 1] = valueStart;
        offsets[3 * count + 2] = valueEnd;
        count++;
    }

    /** Returns the number of members. */
    int count() {
        return count;
    }

    /** Returns the offset of the opening brace. */
    int objectStart() {
        return objectStart;
    }

    /** Returns the index of the member with that name, or -1. */
    int indexOf(String name) {
        for (int i = 0; i < count; i++) {
            if (names[i].equals(name)) {
                return i;
            }
        }
        return -1;
    }

    String name(int index) {
        return names[index];
    }

    int keyStart(int index) {
        return offsets[3 * index];
    }

    int valueStart(int index) {
        return offsets[3 * index + 1];
    }

    int valueEnd(int index) {
        return offsets[3 * index + 2];
    }
}
