// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.stress;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportTest {
    private static Report report(Outcome outcome) {
        List<Curve.Point> points = List.of(new Curve.Point(0, 20), new Curve.Point(1, 40));
        outcome.draw(new Curve("open descriptors", points)).draw(new Curve("resident memory, MiB", points));
        Report.Part part =
                new Report.Part("streams", "many", List.of("--a=1", "--b=2"), outcome.figures(), outcome.curves());
        return new Report(Map.of("cores", "2"), List.of(part));
    }

    @Test
    void saysWhatWasMetAndWhatWasMissed() {
        Outcome outcome = new Outcome().atLeast("served", 80, 90, "%").atMost("late", 12.34, 250, "ms");

        assertThat(report(outcome).met()).isFalse();
        assertThat(report(outcome).markdown())
                .contains(
                        "Settings: `--a=1 --b=2`",
                        "| served | >= 90 % | 80 % | **missed** |",
                        "| late | <= 250 ms | 12.3 ms | met |");
        assertThat(Report.lines(report(outcome).parts().getFirst())).contains("MISSED served: 80 % (goal: >= 90 %)");
    }

    @Test
    void nothingMeasuredIsMissed() {
        assertThat(report(new Outcome().atMost("late", Double.NaN, 5, "ms")).met())
                .isFalse();
        assertThat(report(new Outcome().atMost("late", Double.POSITIVE_INFINITY, 5, "s"))
                        .met())
                .isFalse();
    }

    @Test
    void drawsEachScenario(@TempDir Path folder) throws IOException {
        Path page = report(new Outcome().atMost("late", 1, 5, "ms")).write(folder, "today");

        assertThat(Files.readString(page)).contains("![streams](today-streams.svg)");
        assertThat(Files.readString(folder.resolve("today-streams.svg")))
                .contains("<svg height=\"360\"", "seconds, streams");
    }
}
