// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/** One value per constant of an enum; a look-up is one read of an array. Immutable. */
final class ByConstant<E extends Enum<E>, T> {
    private final List<T> values;

    /** Makes all values at once. */
    ByConstant(E[] constants, Function<E, T> make) {
        this.values = Arrays.stream(constants).map(make).toList();
    }

    /** Returns the value of a constant. */
    @SuppressWarnings("EnumOrdinal") // the list is made from the enum as it is loaded and never leaves the process
    T get(E constant) {
        return values.get(constant.ordinal());
    }
}
