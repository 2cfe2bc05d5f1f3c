package org.attune.files;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.json.Json;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/// Whether the files of a downloaded repository are enough to use it. Other programs fetch single
/// files, so a folder in the cache may hold a part only.
final class SnapshotFiles {
    private SnapshotFiles() {}

    /// Whether a folder has, of a model, weights and all that its tables of contents name; of a
    /// data set, any file but its card.
    static boolean areWhole(HubCache.Kind kind, Path folder) {
        try (Stream<Path> entries = Files.walk(folder)) {
            List<Path> files = entries.filter(Files::isRegularFile).toList();
            return switch (kind) {
                case DATASETS -> files.stream().anyMatch(f -> !f.endsWith("README.md"));
                case MODELS -> isModel(folder, files);
            };
        } catch (IOException e) {
            return false;
        }
    }

    private static boolean isModel(Path folder, List<Path> files) throws IOException {
        for (Path file : files) {
            if (file.toString().endsWith(".safetensors.index.json") && !hasShards(file)) {
                return false;
            }
        }
        return files.stream()
                .filter(file -> folder.equals(file.getParent()))
                .map(Path::toString)
                .anyMatch(name -> name.endsWith(".safetensors") || name.endsWith(".gguf"));
    }

    private static boolean hasShards(Path index) throws IOException {
        JsonNode shards = Json.STRICT_WITH_NAN.readTree(Files.readString(index)).path("weight_map");
        for (JsonNode shard : shards) {
            if (!Files.exists(index.resolveSibling(shard.asText()))) {
                return false;
            }
        }
        return true;
    }
}
