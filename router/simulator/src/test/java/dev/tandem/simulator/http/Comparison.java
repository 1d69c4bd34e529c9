// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.simulator.http.RawClient.Response;
import dev.tandem.simulator.wire.Json;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** Compares one answer with a recorded one and notes which differences were needed. Confined to one test. */
final class Comparison {
    private static final String DATA = "data: ";

    private final Set<Difference> used;
    private final boolean toolCalls;

    Comparison(Set<Difference> used, boolean toolCalls) {
        this.used = used;
        this.toolCalls = toolCalls;
    }

    void compare(Response expected, Response actual) {
        assertThat(actual.statusLine()).isEqualTo(expected.statusLine());
        compareHeaders(expected, actual);
        String type = expected.header("content-type");
        if (type.startsWith("text/event-stream")) {
            compareEvents(expected, actual);
        } else if (type.startsWith("text/plain; version")) {
            new MetricsComparison(used).compare(expected.body(), actual.body());
        } else if (expected.status() == 200
                && type.equals("application/json")
                && !expected.body().isEmpty()) {
            JsonNode recorded = Json.MAPPER.readTree(expected.body());
            JsonNode ours = Json.MAPPER.readTree(actual.body());
            assertThat(normal("", ours)).isEqualTo(normal("", recorded));
            note("", recorded, ours);
        } else {
            assertThat(actual.body()).isEqualTo(expected.body());
        }
    }

    private void compareHeaders(Response expected, Response actual) {
        assertThat(names(actual)).isEqualTo(names(expected));
        for (int i = 0; i < expected.headers().size(); i++) {
            Map.Entry<String, String> recorded = expected.headers().get(i);
            Map.Entry<String, String> ours = actual.headers().get(i);
            if (recorded.getKey().equals("date")) {
                noteIf(!ours.equals(recorded), Difference.TIMES);
            } else if (recorded.getKey().equals("content-length") && expected.status() / 100 == 2) {
                noteIf(!ours.equals(recorded), Difference.LENGTHS);
            } else {
                assertThat(ours).isEqualTo(recorded);
            }
        }
    }

    private static List<String> names(Response response) {
        return response.headers().stream().map(Map.Entry::getKey).toList();
    }

    private void compareEvents(Response expected, Response actual) {
        assertThat(actual.chunks()).allSatisfy(chunk -> assertThat(chunk).endsWith((byte) '\n', (byte) '\n'));
        List<Run> recorded = runs(expected);
        List<Run> ours = runs(actual);
        boolean several = expected.body().contains("\"index\":1,");
        if (several || toolCalls) {
            assertThat(kinds(ours)).containsExactlyInAnyOrderElementsOf(kinds(recorded));
            used.add(toolCalls ? Difference.TOOL_CALLS : Difference.ORDER);
            return;
        }
        assertThat(ours.stream().map(Run::kind).toList())
                .isEqualTo(recorded.stream().map(Run::kind).toList());
        for (int i = 0; i < ours.size(); i++) {
            noteIf(ours.get(i).events.size() != recorded.get(i).events.size(), Difference.EVENTS);
            String first = recorded.get(i).events.getFirst();
            if (first.contains(DATA + "{")) {
                note("", data(first), data(ours.get(i).events.getFirst()));
            }
        }
    }

    private static Set<String> kinds(List<Run> runs) {
        Set<String> kinds = new LinkedHashSet<>();
        runs.forEach(run -> kinds.add(run.kind));
        return kinds;
    }

    /** Returns the events in their order, those of one kind together. */
    private List<Run> runs(Response response) {
        List<Run> runs = new ArrayList<>();
        for (String event : response.body().split("\n\n", -1)) {
            boolean json = event.contains(DATA + "{");
            int data = event.indexOf(DATA);
            String kind = json ? event.substring(0, data) + normal("", data(event)) : event;
            if (runs.isEmpty() || !runs.getLast().kind.equals(kind)) {
                runs.add(new Run(kind, new ArrayList<>()));
            }
            runs.getLast().events.add(event);
        }
        return runs;
    }

    private static JsonNode data(String event) {
        return Json.MAPPER.readTree(event.substring(event.indexOf(DATA) + DATA.length()));
    }

    /** Returns what must be the same of a value. */
    private String normal(String field, JsonNode value) {
        Difference rule = Difference.at(field, value);
        if (rule != null) {
            return rule.rest(field, value);
        }
        if (value.isObject()) {
            StringBuilder text = new StringBuilder("{");
            value.properties()
                    .forEach(each -> text.append(each.getKey())
                            .append(": ")
                            .append(normal(each.getKey(), each.getValue()))
                            .append(", "));
            return text.append('}').toString();
        }
        if (value.isArray()) {
            StringBuilder text = new StringBuilder("[");
            value.forEach(each -> text.append(normal(field, each)).append(", "));
            return text.append(']').toString();
        }
        return toolCalls && field.equals("index") ? "index" : value.toString();
    }

    /** Notes the rules behind the differences of two values that are the same in all that must be. */
    private void note(String field, JsonNode expected, JsonNode actual) {
        if (expected.equals(actual)) {
            return;
        }
        Difference rule = Difference.at(field, expected);
        if (rule != null) {
            used.add(rule);
        } else if (expected.isObject()) {
            expected.properties().forEach(each -> note(each.getKey(), each.getValue(), actual.path(each.getKey())));
        } else {
            for (int i = 0; i < expected.size(); i++) {
                note(field, expected.path(i), actual.path(i));
            }
        }
    }

    private void noteIf(boolean different, Difference rule) {
        if (different) {
            used.add(rule);
        }
    }

    /** Events of one kind that follow each other. */
    private record Run(String kind, List<String> events) {}
}
