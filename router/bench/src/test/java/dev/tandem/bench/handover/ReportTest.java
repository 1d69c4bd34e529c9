// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ReportTest {
    private static final List<Pool> POOLS = Pool.all().stream()
            .filter(pool -> List.of("unified", "nixl").contains(pool.name()))
            .toList();

    private static Row row(Subject subject, String fault, double... medians) {
        Row row = new Row(subject);
        for (double median : medians) {
            int handedOver = subject.handsOver() ? 100 : 0;
            Measurement measurement = new Measurement(
                    100, handedOver, median, 2 * median, 1_500, median / 4, median / 2, median / 4, Double.NaN, fault);
            row.measured(Setting.SINGLE, measurement);
            row.measured(Setting.LOADED, measurement);
        }
        return row;
    }

    /** Rows: one engine and nixl by hand, then one engine and nixl. */
    private static List<Row> rows(String fault) {
        List<Subject> subjects = Subject.of(POOLS, false);
        return List.of(
                row(subjects.get(0), "", 100, 110, 90),
                row(subjects.get(1), "", 400, 420, 380),
                row(subjects.get(2), "", 180, 200, 190),
                row(subjects.get(3), fault, 900, 640, 600));
    }

    @Test
    void printsMediansOfTheRoundsAndWhatTandemAdds() {
        String text = new Report(Map.of("cores", "2"), rows("")).markdown();
        assertThat(text).contains("- cores: 2\n");
        assertThat(text).contains("| nixl | prefill, decode | 300 | 100 % | 640 | 1,280 | 1,500 | 160 | 320 | 160 |");
        assertThat(text).contains("| one engine, no proxy | one leg | 300 |  | 100 | 200 | 1,500 | 25 |  | 25 |");
        assertThat(text).contains("p50: one engine 90 and 90; nixl 240 and 240.");
        assertThat(text).doesNotContain("VOID").doesNotContain("second token");
    }

    @Test
    void aFaultVoidsTheRow() {
        Report report = new Report(Map.of(), rows("99 of 100 handed over"));
        assertThat(report.markdown())
                .contains("| nixl | prefill, decode | 300 | 100 % | void | void |")
                .contains("VOID nixl SINGLE: 99 of 100 handed over");
        assertThat(report.faulty()).isTrue();
    }

    @Test
    void writesMarkdownJsonAndPlot(@TempDir Path folder) throws IOException {
        Report report = new Report(Map.of("cores", "2"), rows(""));
        assertThat(report.write(folder, "handover-x")).hasContent(report.markdown());
        JsonNode json = JsonMapper.shared().readTree(folder.resolve("handover-x.json"));
        assertThat(json.at("/rows/3/single/1/p50Micros").asDouble()).isEqualTo(640);
        assertThat(Files.readString(report.writeDocs(folder, "x"))).contains("](x.svg)");
        assertThat(Files.readString(folder.resolve("x.svg"))).contains("<svg", "nixl, no proxy", "client to prefill");
    }
}
