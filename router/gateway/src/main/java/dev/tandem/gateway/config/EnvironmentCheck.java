// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import java.util.Comparator;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;

/**
 * Finds environment variables that look like settings and are none: Spring ignores a misspelt one without a word.
 * Stateless.
 */
final class EnvironmentCheck {
    private static final String PREFIX = "TANDEM_";

    /** Variables with our prefix that are read elsewhere: in application.yml, by Compose and by scripts. */
    private static final Set<String> OTHERS = Set.of("TANDEM_PRESET", "TANDEM_IMAGE", "TANDEM_BASE_URL");

    private static final Set<String> WORKERS = variables(SettingNames.ofWorkers());
    private static final Pattern INDEX = Pattern.compile("_\\d+(?=_|$)");

    private EnvironmentCheck() {}

    /**
     * Checks the environment.
     *
     * @param environment all variables
     * @param settings names of all settings, as in {@code tandem.engine.connect-timeout}
     * @throws InvalidConfigurationException naming the first variable that is no setting, and the nearest setting
     */
    static void check(Map<String, ?> environment, Set<String> settings) {
        Set<String> known = variables(settings);
        for (String variable : new TreeSet<>(environment.keySet())) {
            if (variable.startsWith(PREFIX) && !OTHERS.contains(variable) && !isKnown(variable, known)) {
                throw new InvalidConfigurationException(
                        "the environment variable " + variable + " is not a setting",
                        "Did you mean " + nearest(variable, known) + "? docs/configuration.md lists all settings.");
            }
        }
    }

    /** Elements of lists carry their index: TANDEM_WORKERS_0_URL belongs to tandem.workers. */
    private static boolean isKnown(String variable, Set<String> known) {
        String list = INDEX.matcher(variable).replaceFirst("");
        return known.contains(variable) || (!list.equals(variable) && (known.contains(list) || WORKERS.contains(list)));
    }

    private static Set<String> variables(Set<String> settings) {
        return settings.stream().map(EnvironmentCheck::variable).collect(Collectors.toCollection(TreeSet::new));
    }

    /** Spring's rule: dots become underscores, dashes go, upper case. */
    private static String variable(String setting) {
        return ConfigurationPropertyName.of(setting)
                .toString()
                .replace("-", "")
                .replace('.', '_')
                .toUpperCase(Locale.ROOT);
    }

    private static String nearest(String variable, Set<String> known) {
        return known.stream()
                .min(Comparator.comparingInt(name -> distance(variable, name)))
                .orElse("a name from the list");
    }

    /** Levenshtein's distance. */
    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j < row.length; j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int substituted = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(substituted, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }
}
