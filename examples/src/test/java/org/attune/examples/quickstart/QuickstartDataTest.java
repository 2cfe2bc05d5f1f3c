package org.attune.examples.quickstart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

final class QuickstartDataTest {
    private static final Path COMMITTED =
            Path.of(System.getProperty("attune.root", ".."), "examples", "quickstart");
    private static final List<String> TRAINED_ON = List.of("prompts.jsonl", "pairs.jsonl");
    private static final List<String> HELD_OUT = List.of("heldout.jsonl", "pairs-heldout.jsonl");

    @TempDir Path folder;

    private static List<String> prompts(Path file) throws IOException {
        var prompts = new ArrayList<String>();
        for (String line : Files.readAllLines(file)) {
            JsonNode row = new ObjectMapper().readTree(line);
            prompts.add(row.at("/prompt/0/content").asText());
        }
        return prompts;
    }

    @Test
    void theCommittedFilesAreWhatTheGeneratorWrites() throws IOException {
        QuickstartData.write(folder);
        for (List<String> names : List.of(TRAINED_ON, HELD_OUT)) {
            for (String name : names) {
                assertEquals(
                        -1, Files.mismatch(COMMITTED.resolve(name), folder.resolve(name)), name);
            }
        }
    }

    /// Neither in the data for GRPO and DPO nor in what the embedded model was trained on.
    @Test
    void heldOutProblemsShareNoPromptWithAnyTrainingData() throws IOException {
        ModelRecipe.writeData(folder);
        Set<String> trained = new HashSet<>(prompts(folder.resolve("sft.jsonl")));
        assertTrue(trained.size() > 7_000, "only " + trained.size());
        for (String name : TRAINED_ON) {
            trained.addAll(prompts(COMMITTED.resolve(name)));
        }
        for (String name : HELD_OUT) {
            List<String> heldOut = prompts(COMMITTED.resolve(name));
            assertTrue(heldOut.size() > 200, name);
            assertEquals(heldOut.size(), new HashSet<>(heldOut).size(), name);
            heldOut.retainAll(trained);
            assertEquals(List.of(), heldOut, name);
        }
    }
}
