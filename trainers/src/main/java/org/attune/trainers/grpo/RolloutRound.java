package org.attune.trainers.grpo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.error.CheckpointException;
import org.attune.json.Json;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The completions of one round, in the order in which micro-steps use them. It is part of a
/// checkpoint, since the policy that generated it is gone when a run resumes.
///
/// @param number of the round, from 0
/// @param drawn batches of prompts that were completed until it was full, those of earlier rounds
///     included
/// @param rows its completions
/// @param replay groups that later rounds may take
record RolloutRound(long number, long drawn, List<RolloutRow> rows, ReplayBuffer replay) {
    private static final String FILE = "rollouts.jsonl";

    RolloutRound {
        rows = List.copyOf(rows);
    }

    /// Counted tokens of all completions.
    double counted() {
        return rows.stream().mapToDouble(RolloutRow::counted).sum();
    }

    /// The completions of one slice.
    ///
    /// @param size completions of a slice
    List<RolloutRow> slice(int index, int size) {
        return rows.subList(index * size, (index + 1) * size);
    }

    /// Writes the round into a folder, one line for a completion; every number comes back as it
    /// was.
    ///
    /// @param form of the lines
    void write(Path folder, RolloutLines form) throws IOException {
        var lines = new ArrayList<String>();
        for (RolloutRow row : rows) {
            ObjectNode line = Json.object();
            line.put("generation", number);
            line.put("drawn", drawn);
            form.write(row, line);
            lines.add(Json.inUtf8(Json.MAPPER.writeValueAsString(line)));
        }
        Files.write(folder.resolve(FILE), lines);
        replay.write(folder, form);
    }

    /// The round that a folder holds, if any.
    ///
    /// @param kept most groups for later rounds
    /// @param form of the lines
    /// @throws CheckpointException if a file can't be read
    static Optional<RolloutRound> read(Path folder, int kept, RolloutLines form) {
        Path file = folder.resolve(FILE);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        long number = 0;
        long drawn = 0;
        var rows = new ArrayList<RolloutRow>();
        try {
            for (String text : Files.readAllLines(file)) {
                JsonNode line = Json.tree(text);
                number = line.get("generation").asLong();
                drawn = line.get("drawn").asLong();
                rows.add(form.read(line));
            }
        } catch (IOException | RuntimeException e) {
            throw new CheckpointException(file + " can't be read: " + e, e);
        }
        return Optional.of(
                new RolloutRound(number, drawn, rows, ReplayBuffer.read(folder, kept, form)));
    }
}
