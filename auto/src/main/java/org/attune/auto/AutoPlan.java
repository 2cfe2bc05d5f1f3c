package org.attune.auto;

import org.attune.error.ConfigException;
import org.attune.files.AtomicFile;
import org.attune.json.Json;
import org.attune.text.Tokenizer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The run that suits a table's rows.
///
/// @param rows to learn from and to measure on
/// @param model name or path
/// @param folder of the run, where its data and its file are written
/// @param chat whether the model has a chat template
/// @param longest tokens that the longest rows need
/// @param more keys of the run that win over what is chosen; null leaves a key out
public record AutoPlan(
        MappedRows rows,
        String model,
        Path folder,
        boolean chat,
        int longest,
        Map<String, Object> more) {
    private static final int SHORTEST = 128;
    private static final int MOST = 2048;
    private static final double COVERED = 0.99;

    /// The plan for rows.
    ///
    /// @param tokenizer the model's; without one lengths are estimated
    public static AutoPlan of(
            MappedRows rows,
            String model,
            Path folder,
            boolean chat,
            Optional<Tokenizer> tokenizer) {
        int[] lengths =
                rows.train().stream()
                        .mapToInt(
                                row -> {
                                    String text = String.join("\n", texts(row).toList());
                                    return tokenizer
                                                    .map(t -> t.encode(text, false).length)
                                                    .orElse(text.length() / 3)
                                            + 16 * (int) texts(row).count();
                                })
                        .sorted()
                        .toArray();
        int longest = lengths[(int) Math.min(lengths.length - 1, lengths.length * COVERED)];
        return new AutoPlan(rows, model, folder, chat, longest, Map.of());
    }

    /// All texts in a value.
    private static Stream<String> texts(Object value) {
        return switch (value) {
            case String text -> Stream.of(text);
            case Map<?, ?> map -> map.values().stream().flatMap(AutoPlan::texts);
            case List<?> list -> list.stream().flatMap(AutoPlan::texts);
            default -> Stream.empty();
        };
    }

    /// Keys of the run.
    private Map<String, Object> keys() {
        int n = rows.train().size();
        int batch = n >= 64 ? 8 : n >= 16 ? 4 : 2;
        int epochs = n >= 5000 ? 1 : n >= 1000 ? 2 : 3;
        int steps = Math.ceilDiv(n, batch) * epochs;
        Map<String, Object> keys = new LinkedHashMap<>();
        keys.put("model_name_or_path", model);
        keys.put("datasets", "data/train.jsonl");
        keys.put("eval_datasets", "data/heldout.jsonl");
        keys.put("output_dir", folder.toString());
        keys.put("use_peft", true);
        keys.put("lora_r", 16);
        keys.put("lora_alpha", 32);
        keys.put("lora_target_modules", "all-linear");
        keys.put("max_length", length());
        keys.put("per_device_train_batch_size", batch);
        keys.put("num_train_epochs", epochs);
        keys.put("learning_rate", rate());
        keys.put("lr_scheduler_type", "cosine");
        keys.put("warmup_steps", Math.max(1, steps / 20));
        keys.put("eval_strategy", "epoch");
        keys.put("save_strategy", "epoch");
        keys.put("save_total_limit", 2);
        keys.put("load_best_model_at_end", true);
        keys.put("logging_steps", Math.max(1, Math.min(10, steps / 20)));
        keys.putAll(more);
        keys.values().removeIf(Objects::isNull);
        return keys;
    }

    private int length() {
        int length = SHORTEST;
        while (length < longest && length < MOST) {
            length *= 2;
        }
        return length;
    }

    private double rate() {
        return switch (rows.method()) {
            case "sft" -> 2e-4;
            case "dpo" -> 5e-5;
            default -> 1e-4;
        };
    }

    /// The run's file.
    ///
    /// @param what a remark at its top
    public String yaml(String what) {
        String keys =
                keys().entrySet().stream()
                        .map(e -> "%s: %s\n".formatted(e.getKey(), value(e.getValue())))
                        .collect(Collectors.joining());
        return "# attune %s run.yaml\n# %s\n%s".formatted(rows.method(), what, keys);
    }

    private static String value(Object value) {
        return value instanceof String text && !text.matches("[\\w./-]+")
                ? Json.compact(text)
                : String.valueOf(value);
    }

    /// Writes data and the run's file.
    ///
    /// @param what a remark at the top of the file
    /// @return the run's file
    public Path write(String what) {
        Path file = folder.resolve("run.yaml");
        try {
            Files.createDirectories(folder.resolve("data"));
            AtomicFile.writeText(folder.resolve("data/train.jsonl"), lines(rows.train()));
            AtomicFile.writeText(folder.resolve("data/heldout.jsonl"), lines(rows.heldOut()));
            AtomicFile.writeText(file, yaml(what));
        } catch (IOException e) {
            throw new ConfigException("--out: %s can't be written: %s".formatted(folder, e), e);
        }
        return file;
    }

    private static String lines(List<Map<String, Object>> rows) {
        return rows.stream().map(row -> Json.compact(row) + "\n").collect(Collectors.joining());
    }
}
