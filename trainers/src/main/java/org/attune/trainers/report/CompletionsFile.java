package org.attune.trainers.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.error.CheckpointException;
import org.attune.files.AtomicFile;
import org.attune.trainers.CompletionTable;
import org.attune.trainers.TrainingListener;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// `completions/completions_00000.jsonl`, one file for a round, one line for a completion:
/// prompt,
/// completion, what each reward gave (null: nothing), further columns that rewards gave,
/// advantage.
public final class CompletionsFile implements TrainingListener {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path folder;

    /// @param outputDir the run's folder
    public CompletionsFile(Path outputDir) {
        folder = outputDir.resolve("completions");
    }

    @Override
    public void onCompletions(long round, CompletionTable table) {
        var text = new StringBuilder();
        Path file = folder.resolve("completions_%05d.jsonl".formatted(round));
        try {
            for (int i = 0; i < table.advantages().length; i++) {
                text.append(JSON.writeValueAsString(line(table, i))).append('\n');
            }
            Files.createDirectories(folder);
            AtomicFile.writeText(file, text.toString());
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("plain values can always be written", e);
        } catch (IOException e) {
            throw new CheckpointException(file + " can't be written: " + e, e);
        }
    }

    private static Map<String, Object> line(CompletionTable table, int i) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("prompt", table.batch().prompts().get(i).text());
        line.put("completion", table.batch().completions().get(i).text());
        List<String> names = table.rewards().names();
        for (int f = 0; f < names.size(); f++) {
            double value = table.rewards().values()[i][f];
            line.put(names.get(f), Double.isNaN(value) ? null : value);
        }
        table.rewards().extras().forEach((name, values) -> line.put(name, values.get(i)));
        line.put("advantage", table.advantages()[i]);
        return line;
    }
}
