// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import java.lang.reflect.RecordComponent;
import java.util.Set;
import java.util.TreeSet;

/** The names of all settings, read off the records that hold them. Stateless. */
final class SettingNames {
    private SettingNames() {}

    /** Returns every name, as in {@code tandem.engine.connect-timeout}; lists count as one. */
    static Set<String> all() {
        Set<String> names = new TreeSet<>();
        collect("tandem", TandemProperties.class, names);
        return names;
    }

    /** Returns the names of what a worker of the long form has, as in {@code tandem.workers.kv.port}. */
    static Set<String> ofWorkers() {
        Set<String> names = new TreeSet<>();
        collect("tandem.workers", TandemProperties.WorkerProperties.class, names);
        return names;
    }

    private static void collect(String prefix, Class<?> record, Set<String> names) {
        for (RecordComponent component : record.getRecordComponents()) {
            String name = prefix + "." + dashed(component.getName());
            if (component.getType().isRecord()) {
                collect(name, component.getType(), names);
            } else {
                names.add(name);
            }
        }
    }

    private static String dashed(String camel) {
        return camel.replaceAll("([A-Z])", "-$1").toLowerCase(java.util.Locale.ROOT);
    }
}
