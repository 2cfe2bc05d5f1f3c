package org.attune.trainers.grpo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.datasets.layout.CompletionForest;
import org.attune.error.CheckpointException;

import java.io.IOException;
import java.nio.IntBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;

/// The completions of one round, in the order in which micro-steps use them. It is part of a
/// checkpoint, since the policy that generated it is gone when a run resumes.
///
/// @param number of the round, from 0
/// @param drawn batches of prompts that were completed until it was full, those of earlier rounds
///     included
/// @param rows its completions
public record RolloutRound(long number, long drawn, List<RolloutRow> rows) {
    private static final String FILE = "rollouts.jsonl";
    private static final ObjectMapper JSON = new ObjectMapper();

    public RolloutRound {
        rows = List.copyOf(rows);
    }

    /// Counted tokens of all completions.
    public double counted() {
        return rows.stream().mapToDouble(RolloutRow::counted).sum();
    }

    /// The completions of one slice.
    ///
    /// @param size completions of a slice
    public List<RolloutRow> slice(int index, int size) {
        return rows.subList(index * size, (index + 1) * size);
    }

    /// Writes the round into a folder, one line for a completion; every number comes back as it
    /// was.
    ///
    /// @param prompts as for [#read]: those that an episode begins otherwise than its row are kept
    public void write(Path folder, IntFunction<int[]> prompts) throws IOException {
        var lines = new ArrayList<String>();
        for (RolloutRow row : rows) {
            ObjectNode line = JSON.createObjectNode();
            line.put("generation", number);
            line.put("drawn", drawn);
            line.put("prompt_index", row.prompt());
            if (!Arrays.equals(row.tokens().prompt(), prompts.apply(row.prompt()))) {
                ids(line.putArray("prompt_ids"), row.tokens().prompt());
            }
            ids(line.putArray("completion_ids"), row.tokens().completion());
            numbers(line.putArray("sampling_logprobs"), row.samplingLogProbs());
            row.oldLogProbs().ifPresent(v -> numbers(line.putArray("old_logprobs"), v));
            row.referenceLogProbs().ifPresent(v -> numbers(line.putArray("reference_logprobs"), v));
            row.samplerRatio()
                    .ifPresent(v -> numbers(line.putArray("importance_sampling_ratio"), v));
            line.put("other_sampler", row.isElsewhere());
            if (row.isAbsent()) {
                line.put("absent", true);
            }
            numbers(line.putArray("loss_mask"), row.mask());
            line.put("advantage", row.advantage());
            row.tokenAdvantages()
                    .ifPresent(
                            values -> {
                                ArrayNode array = line.putArray("token_advantages");
                                Arrays.stream(values).forEach(array::add);
                            });
            lines.add(JSON.writeValueAsString(line));
        }
        Files.write(folder.resolve(FILE), lines);
    }

    private static void ids(ArrayNode array, int[] ids) {
        for (int id : ids) {
            array.add(id);
        }
    }

    private static void numbers(ArrayNode array, float[] values) {
        for (float value : values) {
            if (Float.isNaN(value)) {
                array.addNull(); // a sampler that told no log-probability
            } else {
                array.add(value);
            }
        }
    }

    /// The round that a folder holds, if any.
    ///
    /// @param prompts ids of a prompt by its number in the data; the same array each time
    /// @throws CheckpointException if the file can't be read
    public static Optional<RolloutRound> read(Path folder, IntFunction<int[]> prompts) {
        Path file = folder.resolve(FILE);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        long number = 0;
        long drawn = 0;
        var rows = new ArrayList<RolloutRow>();
        Map<IntBuffer, int[]> known = new HashMap<>(); // equal prompts are computed once
        try {
            for (String text : Files.readAllLines(file)) {
                JsonNode line = JSON.readTree(text);
                number = line.get("generation").asLong();
                drawn = line.get("drawn").asLong();
                int prompt = line.get("prompt_index").asInt();
                int[] given = prompts.apply(prompt);
                int[] begun = line.has("prompt_ids") ? ints(line.get("prompt_ids")) : given;
                int[] shared = known.computeIfAbsent(IntBuffer.wrap(begun), _ -> begun);
                rows.add(
                        new RolloutRow(
                                prompt,
                                new CompletionForest.Row(shared, ints(line.get("completion_ids"))),
                                floats(line.get("sampling_logprobs")),
                                line.get("other_sampler").asBoolean(),
                                line.path("absent").asBoolean(false),
                                optional(line, "old_logprobs"),
                                optional(line, "reference_logprobs"),
                                optional(line, "importance_sampling_ratio"),
                                floats(line.get("loss_mask")),
                                line.get("advantage").asDouble(),
                                doubles(line.path("token_advantages"))));
            }
        } catch (IOException | RuntimeException e) {
            throw new CheckpointException(file + " can't be read: " + e, e);
        }
        return Optional.of(new RolloutRound(number, drawn, rows));
    }

    private static int[] ints(JsonNode array) {
        int[] values = new int[array.size()];
        Arrays.setAll(values, i -> array.get(i).asInt());
        return values;
    }

    private static Optional<float[]> optional(JsonNode line, String key) {
        return line.has(key) ? Optional.of(floats(line.get(key))) : Optional.empty();
    }

    private static Optional<double[]> doubles(JsonNode array) {
        double[] values = new double[array.size()];
        Arrays.setAll(values, i -> array.get(i).asDouble());
        return array.isArray() ? Optional.of(values) : Optional.empty();
    }

    private static float[] floats(JsonNode array) {
        float[] values = new float[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).isNull() ? Float.NaN : array.get(i).floatValue();
        }
        return values;
    }
}
