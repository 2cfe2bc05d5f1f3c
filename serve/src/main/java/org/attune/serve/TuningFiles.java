package org.attune.serve;

import org.attune.files.AtomicFile;
import org.attune.json.Json;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// Files that clients upload to train on, and those that jobs leave, as OpenAI's `/v1/files` has
/// them. Each is two files of a folder: its content, and a description in JSON beside it.
final class TuningFiles {
    private static final int MOST_BYTES = 64 << 20;
    private static final int MOST_FILES = 1000;
    private static final Set<String> PURPOSES = Set.of("fine-tune", "evals", "user_data");

    private final Path folder;

    /// @param folder made if it isn't there
    TuningFiles(Path folder) throws IOException {
        this.folder = Files.createDirectories(folder);
    }

    /// `POST /v1/files`: a form with `purpose` and `file`.
    void upload(Call call) throws ApiException, IOException {
        Map<String, FormPart> parts = FormPart.of(call.exchange(), MOST_BYTES);
        String purpose = Optional.ofNullable(parts.get("purpose")).map(FormPart::text).orElse("");
        if (!PURPOSES.contains(purpose)) {
            throw ApiException.bad(
                    "purpose", "\"purpose\" is \"%s\"; accepted: fine-tune".formatted(purpose));
        }
        FormPart file = parts.get("file");
        if (file == null) {
            throw ApiException.bad("file", "the form has no part \"file\"");
        }
        if (all().size() >= MOST_FILES) {
            throw new ApiException(
                    409, "too_many_files", "there are %d files; delete some".formatted(MOST_FILES));
        }
        call.json(add(file.filename().orElse("rows.jsonl"), purpose, file.content()));
    }

    /// Adds a file.
    ///
    /// @return its description
    Map<String, Object> add(String name, String purpose, byte[] content) throws IOException {
        Map<String, Object> described = new LinkedHashMap<>();
        String id = "file-" + CallIds.next() + CallIds.next();
        described.put("id", id);
        described.put("object", "file");
        described.put("bytes", content.length);
        described.put("created_at", Instant.now().getEpochSecond());
        described.put("filename", name);
        described.put("purpose", purpose);
        described.put("status", "processed");
        AtomicFile.write(content(id), out -> all(ByteBuffer.wrap(content), out));
        AtomicFile.writeText(description(id), Json.write(described));
        return described;
    }

    private static void all(ByteBuffer content, FileChannel out) throws IOException {
        while (content.hasRemaining()) {
            out.write(content);
        }
    }

    private Path content(String id) {
        return folder.resolve(id + ".content");
    }

    private Path description(String id) {
        return folder.resolve(id + ".json");
    }

    /// Descriptions of all files, the newest first.
    private List<Map<String, Object>> all() throws IOException {
        try (Stream<Path> found = Files.list(folder)) {
            return found.filter(path -> path.toString().endsWith(".json"))
                    .map(TuningFiles::described)
                    .sorted(
                            Comparator.comparingLong(
                                            (Map<String, Object> file) ->
                                                    ((Number) file.get("created_at")).longValue())
                                    .reversed())
                    .toList();
        }
    }

    @SuppressWarnings("unchecked") // as it was written
    private static Map<String, Object> described(Path file) {
        try {
            return (Map<String, Object>) Json.parse(Files.readString(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// `GET /v1/files`
    void list(Call call) throws ApiException, IOException {
        Optional<String> purpose = call.query("purpose");
        TuningPage.answer(
                call,
                all().stream()
                        .filter(f -> purpose.isEmpty() || purpose.get().equals(f.get("purpose")))
                        .toList());
    }

    /// `GET /v1/files/ID` and `GET /v1/files/ID/content`
    void show(Call call) throws ApiException, IOException {
        boolean whole = call.name().endsWith("/content");
        String id = call.name().replaceFirst("/content$", "");
        Map<String, Object> described = described(id, "id");
        if (whole) {
            call.text("application/octet-stream", new String(read(id), StandardCharsets.UTF_8));
        } else {
            call.json(described);
        }
    }

    /// `DELETE /v1/files/ID`. A job that trains on it has its rows already.
    void delete(Call call) throws ApiException, IOException {
        described(call.name(), "id");
        Files.deleteIfExists(description(call.name()));
        Files.deleteIfExists(content(call.name()));
        call.json(Map.of("id", call.name(), "object", "file", "deleted", true));
    }

    private Map<String, Object> described(String id, String key) throws ApiException {
        if (!id.matches("file-\\w{1,80}") || !Files.exists(description(id))) {
            throw new ApiException(
                    key.equals("id") ? 404 : 400,
                    "not_found",
                    "\"%s\": there is no file \"%s\""
                            .formatted(key, id.length() > 80 ? id.substring(0, 80) : id));
        }
        return described(description(id));
    }

    /// The content of a file.
    ///
    /// @param key of the request that names it
    byte[] read(String id, String key) throws ApiException, IOException {
        described(id, key);
        return read(id);
    }

    private byte[] read(String id) throws IOException {
        return Files.readAllBytes(content(id));
    }
}
