// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import tools.jackson.databind.json.JsonMapper;

/**
 * A finished run as Markdown, as JSON and as a plot. Immutable.
 *
 * @param facts Machine and settings, in the order of printing.
 * @param rows What was measured, in the order of printing.
 */
record Report(Map<String, String> facts, List<Row> rows) {
    private static final String HEAD = """
            | | Legs | Exchanges | Handed over | p50 | p90 | p99 | before | between | after |
            |---|---|---:|---:|---:|---:|---:|---:|---:|---:|
            """;
    private static final String VOID = "void";

    Report {
        facts = new LinkedHashMap<>(facts);
        rows = List.copyOf(rows);
    }

    /** Returns the tables with what is needed to read them. */
    String markdown() {
        StringBuilder text = new StringBuilder("# Overhead of a hand-over\n\n");
        facts.forEach((name, value) ->
                text.append("- ").append(name).append(": ").append(value).append('\n'));
        text.append(
                "\nMicroseconds; each figure is the median of the rounds. Overhead: the client's time to first token,"
                        + " less the time in the prefill engine, less the time to decode's first token.\n");
        text.append("\nOne client:\n\n").append(table(Setting.SINGLE));
        text.append("\nSeveral clients:\n\n").append(table(Setting.LOADED));
        text.append("\nWhat Tandem adds to what no proxy costs, p50:")
                .append(added())
                .append(".\n");
        for (Row row : rows) {
            text.append(second(row));
            for (Setting setting : Setting.values()) {
                if (!row.fault(setting).isEmpty()) {
                    text.append("\nVOID ").append(row.subject().name()).append(' ');
                    text.append(setting).append(": ").append(row.fault(setting)).append('\n');
                }
            }
        }
        return text.toString();
    }

    /** Writes {@code NAME.md} and {@code NAME.json} into a directory; returns the first. */
    Path write(Path directory, String name) throws IOException {
        Files.createDirectories(directory);
        Path markdown = directory.resolve(name + ".md");
        Files.writeString(markdown, markdown());
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("facts", facts);
        json.put("rows", rows.stream().map(Report::asMap).toList());
        Files.writeString(
                directory.resolve(name + ".json"),
                JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(json));
        return markdown;
    }

    /** Writes {@code NAME.md} and {@code NAME.svg} into a directory; returns the first. */
    Path writeDocs(Path directory, String name) throws IOException {
        Path markdown = directory.resolve(name + ".md");
        String picture = "\n![Parts of the overhead, one client](" + name + ".svg)\n";
        Files.writeString(markdown, markdown() + picture);
        Plot.write(rows, directory.resolve(name + ".svg"));
        return markdown;
    }

    /** Returns whether anything is void. */
    boolean faulty() {
        return rows.stream()
                .anyMatch(row -> List.of(Setting.values()).stream()
                        .anyMatch(setting -> !row.fault(setting).isEmpty()));
    }

    private String table(Setting setting) {
        StringBuilder text = new StringBuilder(HEAD);
        for (Row row : rows) {
            text.append("| ").append(row.subject().name());
            text.append(" | ").append(row.subject().pool().order());
            text.append(" | ").append(String.format(Locale.ROOT, "%,d", row.exchanges(setting)));
            text.append(" | ").append(share(row, setting));
            text.append(figure(row, setting, Measurement::p50));
            text.append(figure(row, setting, Measurement::p90));
            text.append(figure(row, setting, Measurement::p99));
            text.append(figure(row, setting, Measurement::before));
            text.append(row.subject().hasSeam() ? figure(row, setting, Measurement::between) : " | ");
            text.append(figure(row, setting, Measurement::after));
            text.append(" |\n");
        }
        return text.toString();
    }

    private String added() {
        return rows.stream()
                .filter(row -> row.subject().way() == Subject.Way.BY_HAND)
                .flatMap(byHand -> rows.stream()
                        .filter(row -> row.subject().way() == Subject.Way.TANDEM)
                        .filter(row -> row.subject()
                                .pool()
                                .name()
                                .equals(byHand.subject().pool().name()))
                        .map(row -> " " + row.subject().name() + " " + difference(row, byHand, Setting.SINGLE) + " and "
                                + difference(row, byHand, Setting.LOADED)))
                .collect(Collectors.joining(";"));
    }

    private static String difference(Row row, Row other, Setting setting) {
        double difference = row.median(setting, Measurement::p50) - other.median(setting, Measurement::p50);
        return number(difference);
    }

    private static String second(Row row) {
        double second = row.median(Setting.SINGLE, Measurement::second);
        return Double.isFinite(second)
                ? "\n" + row.subject().name() + ": the second token, decode's first, " + number(second)
                        + " with one client and " + number(row.median(Setting.LOADED, Measurement::second))
                        + " with several.\n"
                : "";
    }

    private static String share(Row row, Setting setting) {
        if (!row.subject().handsOver() || row.exchanges(setting) == 0) {
            return "";
        }
        double share = 100.0 * row.handedOver(setting) / row.exchanges(setting);
        return String.format(
                Locale.ROOT, row.handedOver(setting) == row.exchanges(setting) ? "%.0f %%" : "%.2f %%", share);
    }

    private static String figure(Row row, Setting setting, ToDoubleFunction<Measurement> figure) {
        return " | " + number(row.median(setting, figure));
    }

    private static String number(double micros) {
        return Double.isFinite(micros) ? String.format(Locale.ROOT, "%,.0f", micros) : VOID;
    }

    private static Map<String, Object> asMap(Row row) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("name", row.subject().name());
        map.put("pool", row.subject().pool().name());
        map.put("way", row.subject().way());
        for (Setting setting : Setting.values()) {
            map.put(
                    setting.name().toLowerCase(Locale.ROOT),
                    row.rounds(setting).stream().map(Report::asMap).toList());
        }
        return map;
    }

    private static Map<String, Object> asMap(Measurement round) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("exchanges", round.exchanges());
        map.put("handedOver", round.handedOver());
        map.put("p50Micros", finite(round.p50()));
        map.put("p90Micros", finite(round.p90()));
        map.put("p99Micros", finite(round.p99()));
        map.put("beforeMicros", finite(round.before()));
        map.put("betweenMicros", finite(round.between()));
        map.put("afterMicros", finite(round.after()));
        map.put("secondTokenMicros", finite(round.second()));
        map.put("fault", round.fault());
        return map;
    }

    /** JSON has no NaN. */
    private static Object finite(double value) {
        return Double.isFinite(value) ? value : "";
    }
}
