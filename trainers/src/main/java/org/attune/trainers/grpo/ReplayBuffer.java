package org.attune.trainers.grpo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.error.CheckpointException;
import org.attune.json.Json;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// The groups of earlier rounds that taught most, by the rule of TRL's experimental
/// `GRPOWithReplayBufferTrainer`. It is never changed in place, so that a step that is given up
/// leaves the former one.
///
/// @param size most groups; 0: none is kept
/// @param groups those that are kept, in the order in which they came
record ReplayBuffer(int size, List<Group> groups) {
    private static final String FILE = "replay.jsonl";

    ReplayBuffer {
        groups = List.copyOf(groups);
    }

    /// The completions of a prompt.
    ///
    /// @param score what they have to teach: `Σ |A| · std(r)`; > 0
    /// @param rows with their advantages, and with the log-probabilities of the policy that wrote
    ///     them
    record Group(double score, List<RolloutRow> rows) {
        Group {
            rows = List.copyOf(rows);
        }
    }

    /// A buffer without groups.
    static ReplayBuffer empty(int size) {
        return new ReplayBuffer(size, List.of());
    }

    /// Whether a group of this score would be kept: there is room, or the lowest score is lower.
    boolean keeps(double score) {
        return groups.size() < size || size > 0 && score > groups.get(lowest()).score();
    }

    private int lowest() {
        int lowest = 0;
        for (int i = 1; i < groups.size(); i++) {
            lowest = groups.get(i).score() < groups.get(lowest).score() ? i : lowest;
        }
        return lowest;
    }

    /// Adds a group, in place of the one with the lowest score where the buffer is full.
    ReplayBuffer with(Group group) {
        var kept = new ArrayList<>(groups);
        if (kept.size() == size) {
            kept.remove(lowest());
        }
        kept.add(group);
        return new ReplayBuffer(size, kept);
    }

    /// Draws groups with probabilities in proportion to their scores: different ones, or, where
    /// more are wanted than there are, each from all.
    ///
    /// @param count ≥ 0; none are drawn where there are none
    List<Group> draw(int count, UniformRandomProvider random) {
        var drawn = new ArrayList<Group>();
        var left = new ArrayList<>(groups);
        boolean again = count > groups.size();
        while (drawn.size() < count && !left.isEmpty()) {
            int chosen = chosen(left, random.nextDouble());
            drawn.add(again ? left.get(chosen) : left.remove(chosen));
        }
        return drawn;
    }

    private static int chosen(List<Group> groups, double uniform) {
        double rest = uniform * groups.stream().mapToDouble(Group::score).sum();
        for (int i = 0; i < groups.size() - 1; i++) {
            rest -= groups.get(i).score();
            if (rest < 0) {
                return i;
            }
        }
        return groups.size() - 1;
    }

    /// Writes the groups into a checkpoint's folder, one line for a completion.
    ///
    /// @param form of the lines
    void write(Path folder, RolloutLines form) throws IOException {
        var lines = new ArrayList<String>();
        for (int g = 0; g < groups.size(); g++) {
            for (RolloutRow row : groups.get(g).rows()) {
                ObjectNode line = Json.object();
                line.put("group", g);
                line.put("score", groups.get(g).score());
                form.write(row, line);
                lines.add(Json.inUtf8(Json.MAPPER.writeValueAsString(line)));
            }
        }
        if (!lines.isEmpty()) {
            Files.write(folder.resolve(FILE), lines);
        }
    }

    /// The groups that a folder holds; none where it has no such file.
    ///
    /// @param form of the lines
    /// @throws CheckpointException if the file can't be read
    static ReplayBuffer read(Path folder, int size, RolloutLines form) {
        Path file = folder.resolve(FILE);
        var groups = new ArrayList<Group>();
        if (!Files.exists(file)) {
            return new ReplayBuffer(size, groups);
        }
        var rows = new ArrayList<RolloutRow>();
        try {
            JsonNode before = null; // null before the first line
            for (String text : Files.readAllLines(file)) {
                JsonNode line = Json.tree(text);
                if (before != null && !line.get("group").equals(before.get("group"))) {
                    groups.add(new Group(before.get("score").asDouble(), rows));
                    rows.clear();
                }
                rows.add(form.read(line));
                before = line;
            }
            if (before != null) {
                groups.add(new Group(before.get("score").asDouble(), rows));
            }
        } catch (IOException | RuntimeException e) {
            throw new CheckpointException(file + " can't be read: " + e, e);
        }
        return new ReplayBuffer(size, groups);
    }
}
