package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.cli.Main;
import org.attune.trainers.report.HeldOutRow;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// Which held-out prompts a run answers for its report.
@Tag("thorough")
class AnsweredPromptsTest {
    private static final Path EXAMPLES =
            Path.of(System.getProperty("attune.root", ".."), "examples");

    /// The embedded model has 256 positions.
    @Test
    void promptsThatLeaveNoRoomAreNotAnswered(@TempDir Path folder) throws IOException {
        String pair = "{\"prompt\": \"%s\", \"chosen\": \"1\", \"rejected\": \"2\"}\n";
        String lines = pair.formatted("1 ".repeat(110)) + pair.formatted("1 ".repeat(20));
        Path pairs = Files.writeString(folder.resolve("pairs.jsonl"), lines.repeat(4));
        Path out = folder.resolve("out");
        assertEquals(
                0,
                Main.run(
                        "dpo",
                        EXAMPLES.resolve("quickstart/dpo.yaml").toString(),
                        "model_name_or_path=" + EXAMPLES.resolve("model"),
                        "datasets=" + pairs,
                        "eval_datasets=" + pairs,
                        "output_dir=" + out,
                        "max_length=256",
                        "max_steps=1"));
        List<HeldOutRow> rows = HeldOutRow.read(out.resolve("heldout.jsonl"));
        assertEquals(
                List.of(true, false, true, false),
                rows.subList(0, 4).stream().map(row -> row.prompt().isEmpty()).toList());
    }
}
