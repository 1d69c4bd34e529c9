// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import dev.tandem.simulator.http.RawClient.Response;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One exchange that was recorded with real vLLM 0.32.0 servers. Immutable.
 *
 * @param folder What the servers were: the name of the folder.
 * @param name Name of the file.
 * @param request The bytes that were sent.
 * @param answer What came back; null if nothing came until the recorder gave up.
 * @param when Second in which it was answered; of the recording before it if it was not.
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Recording(
        String folder,
        String name,
        byte[] request,
        @Nullable Response answer,
        Instant when) {
    static final Path ROOT = Path.of("src/test/resources/fixtures/vllm-0.32.0");

    private static final Pattern REQUEST_ID = Pattern.compile("\"remote_request_id\":\"([^\"]*)\"");
    private static final String SEPARATOR = "\n=====8<===== response =====8<=====\n";

    /** Returns the recordings of a folder in the order in which they were made. */
    static List<Recording> of(String folder) throws IOException {
        List<Path> files;
        try (Stream<Path> all = Files.list(ROOT.resolve(folder))) {
            files = all.sorted().toList();
        }
        List<Recording> recordings = new ArrayList<>();
        Instant before = Instant.EPOCH;
        for (Path file : files) {
            Recording recording = read(folder, file, before);
            before = recording.when;
            recordings.add(recording);
        }
        recordings.sort(Comparator.comparing(Recording::when).thenComparing(Recording::name));
        return legsInOrder(recordings);
    }

    /** The clocks of the servers' date headers differ by a second, so a prefill leg may seem to come too late. */
    private static List<Recording> legsInOrder(List<Recording> recordings) {
        Set<Recording> ordered = new LinkedHashSet<>();
        for (Recording recording : recordings) {
            String sent = new String(recording.request, StandardCharsets.UTF_8);
            recordings.stream()
                    .filter(other -> other.requestId().filter(sent::contains).isPresent())
                    .forEach(ordered::add);
            ordered.add(recording);
        }
        return List.copyOf(ordered);
    }

    /** Returns the id under which the answer hands KV over; empty if it does not. */
    private Optional<String> requestId() {
        Matcher id = REQUEST_ID.matcher(answer == null ? "" : answer.body());
        return id.find() ? Optional.of(id.group(1)) : Optional.empty();
    }

    private static Recording read(String folder, Path file, Instant before) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        int cut = text.indexOf(SEPARATOR);
        byte[] request = Arrays.copyOf(bytes, cut);
        byte[] answer = Arrays.copyOfRange(bytes, cut + SEPARATOR.length(), bytes.length);
        String name = file.getFileName().toString();
        if (text.endsWith("<<TIMEOUT>>")) {
            return new Recording(folder, name, request, null, before);
        }
        Response response = RawClient.read(new ByteArrayInputStream(answer), isHead(request));
        Instant when = Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(response.header("date")));
        return new Recording(folder, name, request, response, when);
    }

    /** Returns true if the answer has no body whatever its headers say. */
    boolean isHead() {
        return isHead(request);
    }

    /** Returns the port of the server that was asked. */
    int port() {
        String head = new String(request, StandardCharsets.ISO_8859_1);
        int host = head.indexOf("Host: 127.0.0.1:") + "Host: 127.0.0.1:".length();
        return Integer.parseInt(head.substring(host, head.indexOf("\r\n", host)));
    }

    /** Returns true if the engine was dying of an earlier request, or began to with this one. */
    boolean fatal() {
        return answer == null || answer.body().contains("EngineCore encountered an issue");
    }

    private static boolean isHead(byte[] request) {
        return new String(request, 0, 5, StandardCharsets.US_ASCII).equals("HEAD ");
    }
}
