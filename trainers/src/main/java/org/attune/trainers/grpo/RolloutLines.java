package org.attune.trainers.grpo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.trainers.layout.CompletionForest;

import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;

/// Completions as lines of a checkpoint's files; every number comes back as it was. Equal prompts
/// come back as one array, so that they are computed once.
final class RolloutLines {
    private final IntFunction<int[]> prompts;
    private final Map<IntBuffer, int[]> known = new HashMap<>();

    /// @param prompts ids of a prompt by its number in the data; the same array each time
    RolloutLines(IntFunction<int[]> prompts) {
        this.prompts = prompts;
    }

    /// Adds a completion's fields to a line, its prompt only where an episode begins otherwise than
    /// its row.
    void write(RolloutRow row, ObjectNode line) {
        line.put("prompt_index", row.prompt());
        if (!Arrays.equals(row.tokens().prompt(), prompts.apply(row.prompt()))) {
            ids(line.putArray("prompt_ids"), row.tokens().prompt());
        }
        ids(line.putArray("completion_ids"), row.tokens().completion());
        if (!row.tokens().forks().isEmpty()) {
            ArrayNode forks = line.putArray("forks");
            for (CompletionForest.Fork fork : row.tokens().forks()) {
                ObjectNode object = forks.addObject();
                object.put("at", fork.at());
                ids(object.putArray("context_ids"), fork.context());
            }
        }
        if (!row.tokens().drawable().isEmpty()) {
            ArrayNode masks = line.putArray("sampling_mask");
            row.tokens().drawable().forEach(kept -> ids(masks.addArray(), kept));
        }
        numbers(line.putArray("sampling_logprobs"), row.samplingLogProbs());
        row.oldLogProbs().ifPresent(v -> numbers(line.putArray("old_logprobs"), v));
        row.referenceLogProbs().ifPresent(v -> numbers(line.putArray("reference_logprobs"), v));
        row.samplerRatio().ifPresent(v -> numbers(line.putArray("importance_sampling_ratio"), v));
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

    /// The completion of a line.
    ///
    /// @throws RuntimeException if a field is missing or is of another kind
    RolloutRow read(JsonNode line) {
        int prompt = line.get("prompt_index").asInt();
        int[] given = prompts.apply(prompt);
        int[] begun = line.has("prompt_ids") ? ints(line.get("prompt_ids")) : given;
        int[] shared = known.computeIfAbsent(IntBuffer.wrap(begun), _ -> begun);
        return new RolloutRow(
                prompt,
                new CompletionForest.Row(
                        shared,
                        ints(line.get("completion_ids")),
                        forks(line.path("forks")),
                        masks(line.path("sampling_mask"))),
                floats(line.get("sampling_logprobs")),
                line.get("other_sampler").asBoolean(),
                line.path("absent").asBoolean(false),
                optional(line, "old_logprobs"),
                optional(line, "reference_logprobs"),
                optional(line, "importance_sampling_ratio"),
                floats(line.get("loss_mask")),
                line.get("advantage").asDouble(),
                doubles(line.path("token_advantages")));
    }

    private static List<CompletionForest.Fork> forks(JsonNode array) {
        List<CompletionForest.Fork> forks = new ArrayList<>();
        for (JsonNode fork : array) {
            forks.add(
                    new CompletionForest.Fork(
                            fork.get("at").asInt(), ints(fork.get("context_ids"))));
        }
        return forks;
    }

    private static List<int[]> masks(JsonNode array) {
        List<int[]> masks = new ArrayList<>();
        array.forEach(kept -> masks.add(ints(kept)));
        return masks;
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
