package org.attune.reward.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

final class TaskRowsTest {
    private static final List<Problem> PROBLEMS =
            List.of(
                    new Problem("What is 37 + 58?", "95", Optional.of("85")),
                    new Problem("What is 1 + 2?", "3", Optional.empty()));

    @TempDir Path folder;

    private static UniformRandomProvider random() {
        return RandomSource.XO_SHI_RO_256_PP.create(1L);
    }

    @Test
    void prompts() throws IOException {
        Path file = folder.resolve("prompts.jsonl");
        TaskRows.writePrompts(file, PROBLEMS);
        assertEquals(
                """
                {"prompt":[{"role":"user","content":"What is 37 + 58?"}],"answer":"95"}
                {"prompt":[{"role":"user","content":"What is 1 + 2?"}],"answer":"3"}
                """,
                Files.readString(file));
    }

    @Test
    void completionsAreMistakesAsOftenAsAsked() throws IOException {
        Path file = folder.resolve("sft.jsonl");
        TaskRows.writeCompletions(file, PROBLEMS, 1, random());
        assertEquals(
                """
                {"prompt":[{"role":"user","content":"What is 37 + 58?"}],"completion":[{"role":"assistant","content":"85"}]}
                {"prompt":[{"role":"user","content":"What is 1 + 2?"}],"completion":[{"role":"assistant","content":"3"}]}
                """,
                Files.readString(file));
        List<Problem> many = Tasks.of("reversal", "").generate(1, 2000, Split.TRAIN);
        TaskRows.writeCompletions(file, many, 0.3, random());
        List<String> lines = Files.readAllLines(file);
        int mistakes = 0;
        for (int i = 0; i < many.size(); i++) {
            String given = "\"content\":\"" + many.get(i).mistake().orElse("none") + "\"";
            mistakes += lines.get(i).contains(given) ? 1 : 0;
        }
        assertEquals(0.3, mistakes / 2000.0, 0.03);
        assertThrows(
                IllegalArgumentException.class,
                () -> TaskRows.writeCompletions(file, PROBLEMS, Double.NaN, random()));
    }

    @Test
    void pairsNeedAMistake() throws IOException {
        Path file = folder.resolve("pairs.jsonl");
        assertEquals(1, TaskRows.writePairs(file, PROBLEMS));
        assertEquals(
                """
                {"prompt":[{"role":"user","content":"What is 37 + 58?"}],"chosen":[{"role":"assistant","content":"95"}],"rejected":[{"role":"assistant","content":"85"}]}
                """,
                Files.readString(file));
    }
}
