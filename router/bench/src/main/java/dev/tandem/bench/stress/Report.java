// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What all scenarios have shown. Immutable.
 *
 * @param facts Where and how it was measured.
 * @param parts The scenarios in their order.
 */
record Report(Map<String, String> facts, List<Part> parts) {
    /**
     * One scenario.
     *
     * @param name Its name.
     * @param what What it does.
     * @param settings Those of its gateways that are not the defaults.
     * @param figures What it has shown.
     * @param curves What its picture shows.
     */
    record Part(String name, String what, List<String> settings, List<Outcome.Figure> figures, List<Curve> curves) {}

    /** Whether every figure is as it should be. */
    boolean met() {
        return parts.stream().flatMap(part -> part.figures().stream()).allMatch(Outcome.Figure::met);
    }

    /** Returns a scenario's figures for a terminal. */
    static String lines(Part part) {
        return part.figures().stream()
                .map(figure -> "  " + (figure.met() ? "ok    " : "MISSED ") + figure.what() + ": " + figure.reached()
                        + " (goal: " + figure.goal() + ")")
                .collect(Collectors.joining("\n"));
    }

    String markdown() {
        StringBuilder page = new StringBuilder("# What the gateway bears\n\n");
        facts.forEach((name, fact) ->
                page.append("- ").append(name).append(": ").append(fact).append('\n'));
        for (Part part : parts) {
            page.append("\n## ")
                    .append(part.name())
                    .append("\n\n")
                    .append(part.what())
                    .append(".\n\nSettings: `")
                    .append(String.join(" ", part.settings()))
                    .append("`\n\n");
            page.append("| Figure | Goal | Reached | |\n|---|---|---|---|\n");
            for (Outcome.Figure figure : part.figures()) {
                page.append("| %s | %s | %s | %s |\n"
                        .formatted(
                                figure.what(), figure.goal(), figure.reached(), figure.met() ? "met" : "**missed**"));
            }
        }
        return page.toString();
    }

    /** Writes the page, and beside it a picture of each scenario; returns the page. */
    Path write(Path folder, String name) throws IOException {
        Files.createDirectories(folder);
        StringBuilder page = new StringBuilder(markdown());
        for (Part part : parts) {
            String plot = name + "-" + part.name() + ".svg";
            Plot.write(part, folder.resolve(plot));
            page.append("\n![").append(part.name()).append("](").append(plot).append(")\n");
        }
        return Files.writeString(folder.resolve(name + ".md"), page);
    }
}
