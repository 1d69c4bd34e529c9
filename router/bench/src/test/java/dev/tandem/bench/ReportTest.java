// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench;

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
    @Test
    void printsMediansAndRatios() {
        Row tandem = row("Tandem", 50, 60, 70);
        Row nginx = row("nginx", 20, 30, 25);
        String text = new Report(Map.of("cores", "2"), List.of(tandem, nginx)).markdown();
        assertThat(text).contains("- cores: 2\n");
        assertThat(text).containsPattern("\\| Tandem 1.0 \\| 60.0 \\|");
        assertThat(text).containsPattern("\\| nginx 1.0 \\| 25.0 \\|");
        assertThat(text).containsPattern("\\| \\*Tandem ÷ nginx\\* \\| 2.40 × \\|");
        assertThat(text).doesNotContain("VOID").doesNotContain("One leg and two");
    }

    @Test
    void aFaultInOneRoundVoidsTheCellAndItsRatios() {
        Row tandem = row("Tandem", 50, 60, 70);
        tandem.measured(Cell.REQUEST_1K, measurement(55, "1 failed, 0 changed: HTTP/1.1 502 Bad Gateway"));
        tandem.fault("REQUEST_1K: 1 failed");
        Report report = new Report(Map.of(), List.of(tandem, row("nginx", 20, 30, 25)));
        assertThat(report.markdown())
                .containsPattern("\\| Tandem 1.0 \\| void \\|")
                .containsPattern("÷ nginx\\* \\| void \\|")
                .contains("VOID Tandem: REQUEST_1K: 1 failed");
        assertThat(report.faulty()).isTrue();
    }

    @Test
    void twoLegsAreComparedWithOne() {
        Row one = new Row("Tandem", "1.0");
        one.measured(Cell.EXCHANGE, measurement(100, ""));
        Row two = new Row("Tandem P/D", "1.0");
        two.measured(Cell.EXCHANGE, measurement(140, ""));
        String text = new Report(Map.of(), List.of(one, two)).markdown();
        assertThat(text).containsPattern("\\| \\*Tandem P/D − Tandem\\* \\| \\+40.0 \\|");
        assertThat(text).doesNotContain("− Tandem P/D*").doesNotContain("÷");
    }

    @Test
    void writesMarkdownAndJson(@TempDir Path directory) throws IOException {
        Row row = row("Tandem", 50, 60, 70);
        row.idle(new Row.Memory(2_048, 1_024));
        Path markdown = new Report(Map.of("cores", "2"), List.of(row)).write(directory, "x");
        assertThat(Files.readString(markdown)).contains("| 2.00 |");
        JsonNode json =
                JsonMapper.shared().readTree(directory.resolve("relay-x.json").toFile());
        JsonNode first = json.get("rows").get(0);
        assertThat(first.get("name").asString()).isEqualTo("Tandem");
        assertThat(first.get("idleKib").get("resident").asLong()).isEqualTo(2_048);
        assertThat(first.get("cells").get("REQUEST_1K").get(1).get("cpuMicros").asDouble())
                .isEqualTo(60);
    }

    @Test
    void figuresKeepThreeDigits() {
        assertThat(Report.number(7.125)).isEqualTo("7.13");
        assertThat(Report.number(24.56)).isEqualTo("24.6");
        assertThat(Report.number(1_218.4)).isEqualTo("1,218");
        assertThat(Report.number(-0.5)).isEqualTo("-0.50");
        assertThat(Report.number(Double.NaN)).isEmpty();
    }

    private static Row row(String name, double... micros) {
        Row row = new Row(name, "1.0");
        for (double each : micros) {
            row.measured(Cell.REQUEST_1K, measurement(each, ""));
        }
        return row;
    }

    private static Row.Measurement measurement(double micros, String fault) {
        return new Row.Measurement(micros, 200, 300, 1_000, 0.9, 0.5, fault);
    }
}
