package org.attune.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// A run that TRL recorded, as the file of one of ours: its options are keys by the same names.
///
/// @param root `trl/` of the fixtures
/// @param folder the run
/// @param config `config.json`
record RecordedRun(Path root, Path folder, JsonNode config) {
    /// What a recording says beside TRL's options.
    private static final Set<String> NOTES =
            Set.of(
                    "format",
                    "trainer",
                    "description",
                    "trl",
                    "model",
                    "adapter",
                    "reference",
                    "rows",
                    "rows_used",
                    "sequence_lengths",
                    "sequences_longer_than_max_length");

    /// The runs of a trainer in a folder of the fixtures; the test is skipped if it made none.
    static List<RecordedRun> all(String parent, String trainer) {
        Path runs = Fixtures.fixture("trl").resolve(parent);
        return Recorded.runs(runs, trainer).stream()
                .map(
                        folder ->
                                new RecordedRun(
                                        runs.getParent(),
                                        folder,
                                        Recorded.json(folder.resolve("config.json"))))
                .toList();
    }

    static RecordedRun first(String parent, String trainer) {
        return all(parent, trainer).getFirst();
    }

    String name() {
        return folder.getFileName().toString();
    }

    Path data() {
        return folder.resolve("data.jsonl");
    }

    boolean hasColumn(String name) {
        return lines(data()).getFirst().has(name);
    }

    Path model() {
        return path("model");
    }

    /// A model or an adapter that the configuration names: in the run, beside it, or in the root.
    private Path path(String key) {
        String name = config.get(key).asText();
        for (Path place : List.of(folder, folder.getParent())) {
            if (Files.exists(place.resolve(name))) {
                return place.resolve(name);
            }
        }
        return root.resolve(name);
    }

    /// What TRL logged, step by step.
    List<JsonNode> steps() {
        return lines(folder.resolve("expected.jsonl"));
    }

    static List<JsonNode> lines(Path file) {
        try {
            List<JsonNode> lines = new ArrayList<>();
            for (String line : Files.readAllLines(file)) {
                lines.add(new ObjectMapper().readTree(line));
            }
            return lines;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Starts the same run by the command line, on its rows.
    ///
    /// @param work where the run's file may be written
    /// @param arguments over the recorded options
    /// @return the exit code
    int start(Path work, Path output, List<String> arguments) {
        StringBuilder keys = new StringBuilder();
        config.forEachEntry(
                (key, value) -> {
                    if (!NOTES.contains(key)) {
                        keys.append(key).append(": ").append(value).append('\n'); // JSON is YAML
                    }
                });
        Map.of("datasets", data(), "output_dir", output, "device", "cpu", "dtype", "float32")
                .forEach((key, value) -> keys.append(key + ": " + value + "\n"));
        keys.append("logging_steps: 1\n");
        List<String> command = new ArrayList<>(List.of(config.get("trainer").asText()));
        try {
            command.add(Files.writeString(work.resolve(name() + ".yaml"), keys).toString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        command.addAll(arguments);
        return Main.run(command.toArray(String[]::new));
    }

    /// The recorded run as it was: with its own model and adapter.
    int start(Path work, Path output) {
        List<String> where = new ArrayList<>(List.of("model_name_or_path=" + model()));
        if (config.get("adapter").isTextual()) {
            where.add("adapter_name_or_path=" + path("adapter"));
        }
        return start(work, output, where);
    }
}
