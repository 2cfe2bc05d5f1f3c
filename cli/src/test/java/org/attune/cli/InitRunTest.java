package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.trainers.opening.TrainingMethod;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// What `attune init` prints is shown by `attune preview` and trains, once model and data are
/// named.
class InitRunTest {
    @TempDir private Path folder;

    private String attune(String... arguments) {
        var out = new StringWriter();
        var err = new StringWriter();
        int code =
                Main.commandLine(new PrintWriter(out), new PrintWriter(err), arguments)
                        .execute(arguments);
        assertEquals(0, code, () -> out + "\n" + err);
        return out.toString();
    }

    @Tag("thorough")
    @ParameterizedTest
    @MethodSource("org.attune.trainers.run.Methods#all")
    void printedFileIsShownAndTrains(TrainingMethod<?, ?> method) throws IOException {
        Path data = MethodRows.write(method, folder);
        Path out = folder.resolve("out");
        var arguments =
                new ArrayList<>(
                        List.of(
                                "init",
                                method.name(),
                                "model_name_or_path=" + MethodRows.MODEL,
                                "datasets=" + data,
                                "output_dir=" + out));
        arguments.addAll(MethodRows.shorter(method, 1));
        arguments.add("device=cpu");
        Path file =
                Files.writeString(
                        folder.resolve("run.yaml"), attune(arguments.toArray(String[]::new)));
        String shown = attune("preview", file.toString());
        assertTrue(shown.contains("Sort ascending"), shown);
        attune(method.name(), file.toString());
        assertTrue(Files.exists(out.resolve("adapter_model.safetensors")));
        assertTrue(Files.size(out.resolve("metrics.jsonl")) > 0);
    }

    /// A file of `attune sample` is shown and runs, without a method being named.
    @Test
    void fileForSamplingIsShownAndRuns() throws IOException {
        Path data =
                Files.writeString(
                        folder.resolve("rows.jsonl"),
                        "{\"prompt\": [{\"role\": \"user\", \"content\": \"Sort ascending: 2 8 7"
                                + " 5\"}], \"answer\": \"2 5 7 8\"}\n");
        Path out = folder.resolve("sampled.jsonl");
        String written =
                attune(
                        "init",
                        "sample",
                        "model_name_or_path=" + MethodRows.MODEL,
                        "datasets=" + data,
                        "output_file=" + out,
                        "keep=all",
                        "keep_per_prompt=2",
                        "num_generations=2",
                        "max_completion_length=8",
                        "drop_truncated=false",
                        "drop_duplicates=false",
                        "dtype=float32",
                        "device=cpu");
        assertFalse(written.contains("reward_margin"), written);
        Path file = Files.writeString(folder.resolve("run.yaml"), written);
        String shown = attune("preview", file.toString());
        assertTrue(shown.contains("Sort ascending: 2 8 7 5"), shown);
        assertTrue(shown.contains("1 prompts are completed 2 times each; keep: all"), shown);
        assertTrue(shown.contains("reward exact_answer needs answer"), shown);
        attune("sample", file.toString());
        assertEquals(2, Files.readAllLines(out).size());
    }
}
