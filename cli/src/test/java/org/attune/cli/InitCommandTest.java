package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;

/// `attune init` looks at the rows that it is told of, and leaves open what nobody has said.
class InitCommandTest {
    @TempDir private Path folder;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... arguments) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return Main.commandLine(new PrintWriter(out), new PrintWriter(err), arguments)
                .execute(arguments);
    }

    private String rows(String row) throws IOException {
        return "datasets=" + Files.writeString(folder.resolve("rows.jsonl"), row + "\n");
    }

    @Test
    void rowsSayTheMethodWhereNoneIsNamed() throws IOException {
        Path file = folder.resolve("run.yaml");
        String pairs = rows("{\"prompt\": \"q\", \"chosen\": \"a\", \"rejected\": \"b\"}");
        assertEquals(0, run("init", pairs, "model_name_or_path=m", "--out", file.toString()), "");
        String next = "%s written; next: attune preview %s, attune dpo %s%n";
        assertEquals(next.formatted(file, file, file), out.toString());
        String text = Files.readString(file);
        assertTrue(text.startsWith("# A run of attune dpo. Rows of the type preference."), text);
        assertEquals(2, run("init", "lora_r=4"));
        assertTrue(err.toString().contains("which method? Name it"), err.toString());
    }

    @Test
    void modelsThatLieHereAreTold() throws IOException {
        Path model = Files.createDirectory(folder.resolve("model"));
        Files.writeString(
                model.resolve("config.json"),
                """
                {"model_type": "llama", "hidden_size": 32, "intermediate_size": 64,
                 "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 64,
                 "max_position_embeddings": 300}
                """);
        String named = "model_name_or_path=" + model;
        assertEquals(0, run("init", "sft", rows("{\"text\": \"a\"}"), named), err::toString);
        String text = out.toString().replace("\n# ", " ");
        String told = "The model: llama, 2 layers of 32 features, made for up to 300 tokens.";
        assertTrue(text.contains(told), text);
        assertTrue(text.contains("max_length: 300\n"), text);
    }

    @Test
    void rowsOfAnotherMethodAreRefused() throws IOException {
        assertEquals(2, run("init", "grpo", rows("{\"text\": \"a\"}")));
        String message = err.toString();
        assertTrue(message.contains("of the type language_modeling, which is for sft"), message);
        assertTrue(message.contains("grpo learns from rows with prompt"), message);
    }

    @Test
    void whatIsMissingIsNamed() throws IOException {
        assertEquals(0, run("init", "sft", rows("{\"text\": \"a\"}")), err::toString);
        assertTrue(out.toString().contains("Fill in model_name_or_path, then"), out.toString());
        assertEquals(0, run("init", "sft", "datasets=" + folder.resolve("later.jsonl")));
        assertFalse(out.toString().contains("Rows of the type"), out.toString());
    }
}
