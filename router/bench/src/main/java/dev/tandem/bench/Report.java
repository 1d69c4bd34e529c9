// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import tools.jackson.databind.json.JsonMapper;

/**
 * A finished run as Markdown and as JSON. Immutable.
 *
 * @param facts Machine and settings, in the order of printing.
 * @param rows What was measured, in the order of printing.
 */
record Report(Map<String, String> facts, List<Row> rows) {
    private static final List<Column> COLUMNS = List.of(
            cpu("µs/request 1 KB", Cell.REQUEST_1K),
            cpu("128 KB", Cell.REQUEST_128K),
            cpu("1 MiB", Cell.REQUEST_1M),
            cpu("µs/event unpaced", Cell.EVENT_UNPACED),
            cpu("µs/event every 5 ms", Cell.EVENT_PACED),
            cpu("µs/request low rate", Cell.LOW_RATE),
            firstByte("TTFT p50 µs low rate", Cell.LOW_RATE),
            new Column("MiB idle", row -> mib(row.idle()), row -> false),
            new Column("MiB with streams", row -> mib(row.streaming()), row -> false),
            new Column("first answer s", Row::startSeconds, row -> false),
            new Column("cold µs/request", Row::coldMicros, row -> false));

    private static final List<Column> EXCHANGE_COLUMNS = List.of(
            cpu("µs/exchange 16 KB", Cell.EXCHANGE),
            cpu("µs/exchange low rate", Cell.EXCHANGE_LOW_RATE),
            firstByte("TTFT p50 µs low rate", Cell.EXCHANGE_LOW_RATE));

    /** Name of the row that measures the workers without a proxy. */
    static final String DIRECT = "no proxy";

    private static final String TANDEM = "Tandem";

    /** End of the name of a proxy that runs prefill and decode as two legs. */
    private static final String TWO_LEGS = " P/D";

    Report {
        facts = new LinkedHashMap<>(facts);
        rows = List.copyOf(rows);
    }

    /** Returns the tables with what is needed to read them. */
    String markdown() {
        StringBuilder text = new StringBuilder("# Relay benchmark\n\n");
        facts.forEach((name, value) ->
                text.append("- ").append(name).append(": ").append(value).append('\n'));
        text.append("\nProcessor time of the proxy process, user and system, all threads. Median of the rounds.\n\n");
        text.append(table(COLUMNS, row -> measuredIn(row, Cell.singleLeg())));
        if (rows.stream().anyMatch(row -> measuredIn(row, Cell.exchanges()))) {
            text.append("\nOne leg and two (16 KB prompt, 8 events):\n\n");
            text.append(table(EXCHANGE_COLUMNS, row -> measuredIn(row, Cell.exchanges())));
        }
        text.append("\nCores used by the proxy at 1 KB, saturated:");
        rows.stream()
                .filter(row -> row.measurements().containsKey(Cell.REQUEST_1K))
                .forEach(row -> text.append(' ')
                        .append(row.name())
                        .append(' ')
                        .append(number(row.median(Cell.REQUEST_1K, Row.Measurement::proxyBusy)))
                        .append(';'));
        text.setLength(text.length() - 1);
        text.append(".\n\nRequest bodies at the worker:");
        rows.forEach(row -> text.append(' ')
                .append(row.name())
                .append(' ')
                .append(row.requestBodies())
                .append(';'));
        text.setLength(text.length() - 1);
        text.append(".\n");
        for (Row row : rows) {
            row.faults()
                    .forEach(fault -> text.append("\nVOID ")
                            .append(row.name())
                            .append(": ")
                            .append(fault)
                            .append('\n'));
        }
        return text.toString();
    }

    /** Writes {@code relay-NAME.md} and {@code relay-NAME.json} into a directory; returns the first. */
    Path write(Path directory, String name) throws IOException {
        Files.createDirectories(directory);
        Path markdown = directory.resolve("relay-" + name + ".md");
        Files.writeString(markdown, markdown());
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("facts", facts);
        json.put("rows", rows.stream().map(Report::asMap).toList());
        Files.writeString(
                directory.resolve("relay-" + name + ".json"),
                JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(json));
        return markdown;
    }

    /** Returns whether any row has a fault. */
    boolean faulty() {
        return rows.stream().anyMatch(row -> !row.faults().isEmpty());
    }

    private String table(List<Column> columns, java.util.function.Predicate<Row> shown) {
        StringBuilder text = new StringBuilder("| |");
        columns.forEach(column -> text.append(' ').append(column.title()).append(" |"));
        text.append("\n|---|").append("---:|".repeat(columns.size())).append('\n');
        List<Row> lines = rows.stream().filter(shown).toList();
        for (Row row : lines) {
            text.append("| ").append((row.name() + " " + row.version()).trim()).append(" |");
            columns.forEach(column -> text.append(' ').append(column.text(row)).append(" |"));
            text.append('\n');
        }
        for (Row row : lines) {
            for (Row peer : lines) {
                if (compared(row, peer)) {
                    text.append("| *")
                            .append(row.name())
                            .append(" ÷ ")
                            .append(peer.name())
                            .append("* |");
                    columns.forEach(column ->
                            text.append(' ').append(column.ratio(row, peer)).append(" |"));
                    text.append('\n');
                }
                if (twoLegs(row) && !twoLegs(peer) && family(row).equals(family(peer))) {
                    text.append("| *")
                            .append(row.name())
                            .append(" − ")
                            .append(peer.name())
                            .append("* |");
                    columns.forEach(column -> text.append(' ')
                            .append(column.difference(row, peer))
                            .append(" |"));
                    text.append('\n');
                }
            }
        }
        return text.toString();
    }

    /** Tandem is compared with every other proxy that does the same number of legs. */
    private static boolean compared(Row row, Row peer) {
        boolean tandem = row.name().startsWith(TANDEM) && !peer.name().startsWith(TANDEM);
        return tandem && !peer.name().equals(DIRECT) && twoLegs(row) == twoLegs(peer);
    }

    private static boolean twoLegs(Row row) {
        return row.name().endsWith(TWO_LEGS);
    }

    /** Returns the name without the policy. */
    private static String family(Row row) {
        return row.name().replaceAll(" .*", "");
    }

    private static boolean measuredIn(Row row, java.util.Set<Cell> cells) {
        return cells.stream().anyMatch(row.measurements()::containsKey);
    }

    private static double mib(Row.Memory memory) {
        return memory.resident() == 0 ? Double.NaN : memory.resident() / 1024.0;
    }

    private static Column cpu(String title, Cell cell) {
        return new Column(
                title,
                row -> row.name().equals(DIRECT) ? Double.NaN : row.median(cell, Row.Measurement::cpuMicros),
                row -> row.voided(cell));
    }

    private static Column firstByte(String title, Cell cell) {
        return new Column(title, row -> row.median(cell, Row.Measurement::firstByteMicros), row -> row.voided(cell));
    }

    private static Map<String, Object> asMap(Row row) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("name", row.name());
        map.put("version", row.version());
        map.put("firstAnswerSeconds", finite(row.startSeconds()));
        map.put("coldMicrosPerRequest", finite(row.coldMicros()));
        map.put("idleKib", row.idle());
        map.put("streamingKib", row.streaming());
        map.put("requestBodies", row.requestBodies());
        map.put("faults", row.faults());
        Map<String, Object> cells = new LinkedHashMap<>();
        row.measurements()
                .forEach((cell, rounds) -> cells.put(
                        cell.name(), rounds.stream().map(Report::asMap).toList()));
        map.put("cells", cells);
        return map;
    }

    private static Map<String, Object> asMap(Row.Measurement round) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("cpuMicros", finite(round.cpuMicros()));
        map.put("firstByteP50Micros", finite(round.firstByteMicros()));
        map.put("firstByteP99Micros", finite(round.firstByteP99Micros()));
        map.put("units", round.units());
        map.put("proxyBusy", finite(round.proxyBusy()));
        map.put("loadBusy", finite(round.loadBusy()));
        map.put("fault", round.fault());
        return map;
    }

    /** JSON has no NaN. */
    private static Object finite(double value) {
        return Double.isFinite(value) ? value : "";
    }

    /**
     * One column of a table.
     *
     * @param title Its head.
     * @param value The figure of a row; NaN for none.
     * @param voided Whether the figure of a row is void.
     */
    private record Column(String title, ToDoubleFunction<Row> value, Function<Row, Boolean> voided) {
        String text(Row row) {
            return voided.apply(row) ? "void" : number(value.applyAsDouble(row));
        }

        String difference(Row row, Row peer) {
            if (voided.apply(row) || voided.apply(peer)) {
                return "void";
            }
            double difference = value.applyAsDouble(row) - value.applyAsDouble(peer);
            return (difference > 0 ? "+" : "") + number(difference);
        }

        String ratio(Row row, Row peer) {
            if (voided.apply(row) || voided.apply(peer)) {
                return "void";
            }
            double ratio = value.applyAsDouble(row) / value.applyAsDouble(peer);
            return Double.isFinite(ratio) ? String.format(Locale.ROOT, "%.2f ×", ratio) : "";
        }
    }

    /** Returns a figure with three digits or more; an empty text when it is not finite. */
    static String number(double value) {
        if (!Double.isFinite(value)) {
            return "";
        }
        String format = Math.abs(value) >= 99.95 ? "%,.0f" : Math.abs(value) >= 9.995 ? "%.1f" : "%.2f";
        return String.format(Locale.ROOT, format, value);
    }
}
