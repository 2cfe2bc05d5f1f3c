package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.cli.command.ExitCodes;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

class AutoCommandTest {
    @TempDir Path folder;
    private final StringWriter out = new StringWriter();

    private int run(String... words) {
        List<String> all = new ArrayList<>(List.of("auto"));
        all.addAll(List.of(words));
        return Main.commandLine(new PrintWriter(out), new PrintWriter(out), "auto")
                .execute(all.toArray(String[]::new));
    }

    private Path table(String header, String form) throws IOException {
        var text = new StringBuilder(header + "\n");
        for (int i = 0; i < 20; i++) {
            text.append(form.replace("#", String.valueOf(i))).append('\n');
        }
        return Files.writeString(folder.resolve("faq.csv"), text);
    }

    @Test
    void dryRunShowsColumnsAndTheFile() throws IOException {
        Path file = table("Nr;Frage;Antwort", "#;Was ist #?;Das ist # eben.");
        assertEquals(0, run(file.toString(), "--dry-run"), out.toString());
        String said = out.toString();
        for (String part :
                List.of(
                        "delimiter: semicolon",
                        "Nr                   ignored",
                        "Frage                prompt",
                        "Antwort              completion",
                        "method: sft; rows to learn from: 16; held out: 4",
                        "# attune sft run.yaml",
                        "eval_datasets: data/heldout.jsonl")) {
            assertTrue(said.contains(part), part + "\n" + said);
        }
        assertFalse(Files.exists(Path.of("faq-model")));
    }

    @Test
    void unclearTablesAreNotTrained() throws IOException {
        Path file = table("one,two", "The first is # long today.,The second is # short now.");
        assertEquals(2, run(file.toString(), "no-such-model"));
        assertTrue(out.toString().contains("--prompt one --response two"), out.toString());
        out.getBuffer().setLength(0);
        assertEquals(
                0,
                run(file.toString(), "--dry-run", "--prompt", "two", "--response", "one"),
                out.toString());
        assertTrue(out.toString().contains("two                  prompt"), out.toString());
        assertEquals(2, run(file.toString(), "--dry-run", "--prompt", "tow"));
        assertTrue(out.toString().contains("there is no column \"tow\""), out.toString());
    }

    @Tag("thorough")
    @Test
    void classesAreJudgedByHowManyAreNamed() throws IOException {
        var text = new StringBuilder("text,label\n");
        for (int i = 0; i < 30; i++) {
            text.append("A letter about the number %d,%s\n".formatted(i, i % 3 == 0 ? "x" : "y"));
        }
        Path file = Files.writeString(folder.resolve("letters.csv"), text);
        int code =
                run(
                        file.toString(),
                        MethodRows.MODEL.toString(),
                        "--out",
                        folder.resolve("run").toString(),
                        "max_steps=1",
                        "dtype=float32");
        String said = out.toString();
        assertEquals(ExitCodes.NO_BETTER, code, said);
        assertTrue(said.contains("taken for: texts and their classes"), said);
        assertTrue(said.contains("no better: accuracy 0 on 6 held-out texts; "), said);
        assertTrue(said.contains(" by always saying \"y\""), said);
        assertTrue(Files.exists(folder.resolve("run/report.html")));
    }
}
