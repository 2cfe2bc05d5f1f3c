package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.ranks.RankSession;
import org.attune.ranks.RankSum;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// The command where the module attune-ranks is not on the class path.
final class WithoutRanksTest {
    private static final Path ROOT = Path.of(System.getProperty("attune.root", ".."));
    private static final String RUN = ROOT.resolve("examples/quickstart/dpo.yaml").toString();

    private static final String MISSING =
            ": several ranks need the module attune-ranks, which is not on the class path. Add its"
                    + " jar to the others of Attune, or run one process";

    @TempDir Path folder;

    /// Commands in a JVM without the module, one after another.
    static final class Commands {
        private Commands() {}

        static void main(String... commands) {
            int code = 0;
            for (String command : commands) {
                code = Main.run(command.split(" "));
                System.err.println("ended with " + code);
            }
            System.exit(code);
        }
    }

    /// What each training command does first.
    static final class Open {
        private Open() {}

        static void main(String... arguments) {
            RankSession.open(RankSum.FIXED);
        }
    }

    private static String classPath() {
        String all = System.getProperty("java.class.path");
        String others =
                Arrays.stream(all.split(File.pathSeparator))
                        .filter(place -> !place.matches(".*(/ranks/target/|/attune-ranks-).*"))
                        .collect(Collectors.joining(File.pathSeparator));
        assertNotEquals(all, others, "the module is on the tests' class path");
        return others;
    }

    private static String run(Class<?> program, Map<String, String> environment, String... commands)
            throws Exception {
        List<String> words = new ArrayList<>(ShortProgram.java());
        words.addAll(List.of("-cp", classPath(), program.getName()));
        words.addAll(List.of(commands));
        var builder = new ProcessBuilder(words).redirectErrorStream(true);
        builder.environment().putAll(environment);
        Process process = builder.start();
        byte[] bytes = process.getInputStream().readAllBytes();
        process.waitFor();
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private String train(String more) throws IOException {
        String row = "{\"prompt\": \"2 1\", \"chosen\": \"1 2\", \"rejected\": \"2 1\"}\n";
        Path rows = Files.writeString(folder.resolve("rows.jsonl"), row.repeat(4));
        return "dpo %s datasets=%s eval_datasets=null output_dir=%s max_steps=1%s"
                .formatted(RUN, rows, folder.resolve("out"), more);
    }

    @Test
    void oneProcessTrainsAndSeveralNameTheModule() throws Exception {
        String said = run(Commands.class, Map.of(), train(" --ranks 2"), "ranks", train(""));
        assertTrue(said.contains("--ranks 2" + MISSING), said);
        assertTrue(said.contains("attune ranks" + MISSING), said);
        assertEquals(
                List.of("ended with 2", "ended with 2", "ended with 0"),
                said.lines().filter(line -> line.startsWith("ended with")).toList(),
                said);
        assertTrue(Files.exists(folder.resolve("out/adapter_model.safetensors")), said);
    }

    @Test
    void aRankOfSeveralNamesTheModule() throws Exception {
        var launched = Map.of("OMPI_COMM_WORLD_SIZE", "2", "OMPI_COMM_WORLD_RANK", "0");
        String said = run(Open.class, launched);
        String asker = "ConfigException: a launcher started this process as rank 0 of 2";
        assertTrue(said.contains(asker + MISSING), said);
    }
}
