package org.attune.learn;

import org.attune.error.ConfigException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// Where runs that learned from a store stand.
public final class LearnedFolders {
    private LearnedFolders() {}

    private static Path folder(String store) {
        return Path.of(store.contains("://") ? "attune-learned" : store + "-learned");
    }

    /// A folder for the next run.
    public static Path next(String store, String model) {
        String name = model.replaceAll("[^\\w.-]", "-");
        int number = 1;
        while (Files.exists(folder(store).resolve(name + "-" + number))) {
            number++;
        }
        return folder(store).resolve(name + "-" + number);
    }

    /// The runs that learned from any of these answers.
    ///
    /// @param ids of responses
    public static List<Path> of(String store, List<String> ids) {
        List<Path> found = new ArrayList<>();
        if (ids.isEmpty() || !Files.isDirectory(folder(store))) {
            return found;
        }
        try (Stream<Path> runs = Files.list(folder(store))) {
            for (Path run : runs.sorted().toList()) {
                for (String file : List.of("data/train.jsonl", "data/heldout.jsonl")) {
                    Path rows = run.resolve(file);
                    String text = Files.exists(rows) ? Files.readString(rows) : "";
                    if (!found.contains(run) && ids.stream().anyMatch(text::contains)) {
                        found.add(run);
                    }
                }
            }
            return found;
        } catch (IOException e) {
            throw new ConfigException(folder(store) + " can't be read: " + e, e);
        }
    }
}
