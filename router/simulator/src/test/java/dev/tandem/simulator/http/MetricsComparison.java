// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Compares the Prometheus text of two engines. Confined to one test. */
final class MetricsComparison {
    private final Set<Difference> used;

    MetricsComparison(Set<Difference> used) {
        this.used = used;
    }

    void compare(String expected, String actual) {
        List<Family> recorded = families(expected);
        List<Family> ours = families(actual);
        assertThat(ours.stream().map(Family::type).toList())
                .isEqualTo(recorded.stream().map(Family::type).toList());
        for (int i = 0; i < recorded.size(); i++) {
            compare(recorded.get(i), ours.get(i));
        }
    }

    private void compare(Family recorded, Family ours) {
        noteIf(!recorded.help.equals(ours.help), Difference.METRIC_HELP);
        if (recorded.type.startsWith("# TYPE http_") && !recorded.type.contains("highr")) {
            assertThat(labelNames(ours)).as(recorded.type).isEqualTo(labelNames(recorded));
            noteIf(!series(ours).equals(series(recorded)), Difference.METRIC_SERIES);
        } else if (recorded.type.contains("cache_config_info")) {
            assertThat(labelNames(ours)).isEqualTo(labelNames(recorded));
            noteIf(!series(ours).equals(series(recorded)), Difference.METRIC_VALUES);
        } else {
            assertThat(series(ours)).as(recorded.type).isEqualTo(series(recorded));
        }
        boolean created = recorded.type.contains("_created ");
        noteIf(!ours.samples.equals(recorded.samples), created ? Difference.TIMES : Difference.METRIC_VALUES);
    }

    private static List<String> series(Family family) {
        return family.samples.stream()
                .map(line -> line.substring(0, line.lastIndexOf(' ')))
                .toList();
    }

    private static Set<String> labelNames(Family family) {
        return family.samples.stream()
                .map(line -> line.substring(0, line.lastIndexOf(' ')).replaceAll("=\"[^\"]*\"", ""))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static List<Family> families(String text) {
        List<Family> families = new ArrayList<>();
        String help = "";
        for (String line : text.lines().toList()) {
            if (line.startsWith("# HELP ")) {
                help = line;
            } else if (line.startsWith("# TYPE ")) {
                families.add(new Family(line, help, new ArrayList<>()));
            } else {
                families.getLast().samples.add(line);
            }
        }
        return families;
    }

    private void noteIf(boolean different, Difference rule) {
        if (different) {
            used.add(rule);
        }
    }

    /** A family: its TYPE line, its HELP line, its samples. */
    private record Family(String type, String help, List<String> samples) {}
}
