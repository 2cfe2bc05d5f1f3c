package org.attune.cli;

import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.ppo.PpoMethod;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// Short runs of every method on the embedded model: rows that a method reads, and keys that keep a
/// run short.
final class MethodRows {
    /// The embedded model.
    static final Path MODEL =
            Path.of(System.getProperty("attune.root", ".."), "examples", "model")
                    .toAbsolutePath()
                    .normalize();

    private static final int ROWS = 40;

    private MethodRows() {}

    private static String row(String method, int i) {
        String asks =
                switch (method) {
                    case "classify" -> "text";
                    case "rerank" -> "query";
                    case "embed" -> "anchor";
                    default -> "prompt";
                };
        String question = "{\"%s\": \"Sort ascending: %d 1\", ".formatted(asks, i % 10);
        return question
                + switch (method) {
                    case "sft", "gkd" -> "\"completion\": \"1\"}";
                    case "dpo", "reward", "orpo", "cpo" ->
                            "\"chosen\": \"1 2\", \"rejected\": \"2 1\"}";
                    case "tpo" ->
                            "\"chosen\": \"1 2\", \"rejected\": \"2 1\", \"reference\": \"1, 2\"}";
                    case "bco", "kto" ->
                            "\"completion\": \"1\", \"label\": %s}".formatted(i % 2 == 0);
                    case "classify" -> "\"label\": \"%s\"}".formatted(i % 2 == 0 ? "a" : "b");
                    case "rerank" -> "\"positive\": \"1 %d\", \"negative\": \"2\"}".formatted(i);
                    case "embed" -> "\"positive\": \"%d 1\", \"negative\": \"2\"}".formatted(i);
                    case "prm" -> "\"completions\": [\"1\", \"2\"], \"labels\": [true, false]}";
                    case "grpo",
                            "rloo",
                            "ppo",
                            "distillation",
                            "sdpo",
                            "online_dpo",
                            "xpo",
                            "nash_md" ->
                            "\"answer\": \"1\"}";
                    case "sdft" -> "\"privileged_context\": \"It is 1.\"}";
                    default -> throw new AssertionError(method + " needs rows here");
                };
    }

    /// Writes the rows of a method into a folder.
    static Path write(TrainingMethod<?, ?> method, Path folder) throws IOException {
        var rows = new StringBuilder();
        for (int i = 0; i < ROWS; i++) {
            rows.append(row(method.name(), i)).append('\n');
        }
        return Files.writeString(folder.resolve("rows.jsonl"), rows);
    }

    /// Nothing of a method's defaults but what makes it short.
    static List<String> shorter(TrainingMethod<?, ?> method, int steps) {
        var values = new ArrayList<>(List.of("max_steps=" + steps, "dtype=float32"));
        if (method.kind() == TrainingMethod.Kind.GENERATES) {
            boolean online = Set.of("online_dpo", "xpo", "nash_md").contains(method.name());
            values.add(online ? "max_new_tokens=3" : "max_completion_length=3");
        }
        if (method.kind() == TrainingMethod.Kind.DISTILS) {
            if (!method.name().equals("sdft")) { // its own teacher
                values.add("teacher_model_name_or_path=" + MODEL);
            }
            values.add(
                    method.name().equals("gkd") ? "max_new_tokens=3" : "max_completion_length=3");
        }
        if (method.equals(new PpoMethod())) { // counts updates in another way
            values.set(0, "total_episodes=" + 32 * steps);
        }
        return values;
    }
}
