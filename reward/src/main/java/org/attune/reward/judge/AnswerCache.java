package org.attune.reward.judge;

import org.attune.files.AtomicFile;
import org.attune.hash.Sha256;
import org.attune.json.Json;
import org.attune.json.JsonException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/// Answers of judges on disk, a file each, found by a hash of all that was sent. Files are written
/// whole or not at all, so several runs and threads may use a folder. Where nothing can be written,
/// nothing is kept. Thread-safe.
final class AnswerCache {
    private static final Logger LOG = LoggerFactory.getLogger(AnswerCache.class);
    private static final String ANSWER = "answer";

    private final Path folder;
    private final AtomicBoolean isTold = new AtomicBoolean();

    /// @param folder created when needed
    AnswerCache(Path folder) {
        this.folder = folder;
    }

    /// The name under which an answer is kept.
    ///
    /// @param url where the request goes
    /// @param request all of its body
    static String key(String url, String request) {
        return Sha256.hex(url + "\n" + request);
    }

    private Path file(String key) {
        return folder.resolve(key.substring(0, 2)).resolve(key + ".json");
    }

    /// The answer that is kept. A file that can't be read counts as none.
    Optional<String> get(String key) {
        Path file = file(key);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            Object value = Json.parse(Files.readString(file));
            return value instanceof Map<?, ?> map && map.get(ANSWER) instanceof String answer
                    ? Optional.of(answer)
                    : Optional.empty();
        } catch (IOException | JsonException e) {
            return Optional.empty();
        }
    }

    /// Keeps an answer.
    void put(String key, String model, String answer) {
        Path file = file(key);
        try {
            Files.createDirectories(file.getParent());
            AtomicFile.writeText(file, Json.write(Map.of("model", model, ANSWER, answer)) + "\n");
        } catch (IOException e) {
            if (isTold.compareAndSet(false, true)) {
                LOG.warn("answers of judges can't be kept in {}: {}", folder, e.toString());
            }
        }
    }
}
