package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/// The minimal examples learn, leave an adapter, and stay minimal.
@Tag("thorough")
final class MinimalExamplesTest {
    private static final Path EXAMPLES =
            Path.of(System.getProperty("attune.root", "..")).resolve("examples");
    private static final String MODEL = EXAMPLES.resolve("model").toString();

    @TempDir private Path folder;

    private interface Program {
        void main(String... args) throws IOException;
    }

    /// Numbers at the ends of the lines that a program prints.
    private double[] printed(Program program, String rows, int count, String... more)
            throws IOException {
        Path few = folder.resolve(rows);
        List<String> lines = Files.readAllLines(EXAMPLES.resolve("quickstart").resolve(rows));
        Files.write(few, lines.subList(0, count));
        String out = folder.resolve("out").toString();
        String[] args = {MODEL, few.toString(), out};
        String[] all = Arrays.copyOf(args, args.length + more.length);
        System.arraycopy(more, 0, all, args.length, more.length);
        PrintStream console = System.out;
        var bytes = new ByteArrayOutputStream();
        System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        try {
            program.main(all);
        } finally {
            System.setOut(console);
        }
        assertTrue(Files.exists(folder.resolve("out/adapter_model.safetensors")));
        return bytes.toString(StandardCharsets.UTF_8)
                .lines()
                .mapToDouble(line -> Double.parseDouble(line.replaceFirst(".* ", "")))
                .toArray();
    }

    @Test
    void dpoTellsPairsApart() throws IOException {
        double[] losses = printed(MinimalDpo::main, "pairs.jsonl", 80);
        assertEquals(10, losses.length);
        assertEquals(Math.log(2), losses[0], 1e-3); // policy and reference are the same
        assertTrue(losses[9] < 0.66, losses[9] + " after 10 steps");
    }

    @Test
    void grpoEarnsMore() throws IOException {
        double[] rewards = printed(MinimalGrpo::main, "prompts.jsonl", 64, "16");
        double before = (rewards[0] + rewards[1] + rewards[2]) / 3;
        double after = (rewards[13] + rewards[14] + rewards[15]) / 3;
        assertTrue(after > before + 0.1, before + " at first, " + after + " at the end");
    }

    @Test
    void theyAreMinimal() throws IOException {
        for (String name : List.of("MinimalDpo", "MinimalGrpo")) {
            Path file =
                    EXAMPLES.resolve("src/main/java/org/attune/examples").resolve(name + ".java");
            int lines = Files.readAllLines(file).size();
            assertTrue(lines <= 130, name + " has " + lines + " lines, imports included");
        }
    }
}
