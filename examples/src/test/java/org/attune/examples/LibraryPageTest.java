package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.cli.Main;
import org.attune.reports.page.ReportPage;
import org.attune.trainers.report.MetricsFile;
import org.attune.trainers.report.RunCard;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import javax.tools.ToolProvider;

/// The programs of `docs/library.md` compile and run, and a program's run leaves the folder that
/// the command's leaves.
@Tag("thorough")
final class LibraryPageTest {
    private static final Path ROOT = Path.of(System.getProperty("attune.root", ".."));
    private static final Pattern PROGRAM =
            Pattern.compile("(?s)\n```java\n(.*?public class (\\w+) .*?)\n```");
    private static final String MODEL = ROOT.resolve("examples/model").toString();

    /// What only the command writes.
    private static final Set<String> COMMANDS_OWN =
            Set.of("loss.png", "reward.png", "warnings.jsonl");

    @TempDir static Path folder;
    private static Path trained;
    private static URLClassLoader programs;

    @BeforeAll
    static void compileAndTrain() throws Exception {
        List<String> command =
                new ArrayList<>(
                        List.of("-proc:none", "-Xlint:deprecation,rawtypes,unchecked", "-Werror"));
        command.addAll(List.of("-d", folder.toString()));
        String page = Files.readString(ROOT.resolve("docs/library.md"));
        Matcher program = PROGRAM.matcher(page);
        while (program.find()) {
            Path file = folder.resolve(program.group(2) + ".java");
            command.add(Files.writeString(file, program.group(1)).toString());
        }
        assertEquals(page.split("```java").length - 1, command.size() - 5, "programs");
        var errors = new ByteArrayOutputStream();
        int code =
                ToolProvider.getSystemJavaCompiler()
                        .run(null, null, errors, command.toArray(String[]::new));
        assertEquals(0, code, () -> errors.toString(StandardCharsets.UTF_8));
        programs = new URLClassLoader(new URL[] {folder.toUri().toURL()});
        Path pairs =
                Files.writeString(
                        folder.resolve("pairs.jsonl"),
                        "{\"prompt\": \"Sort ascending: 2 1\", \"chosen\": \"1 2\", \"rejected\": \"2 1\"}\n"
                                .repeat(8));
        trained = folder.resolve("trained");
        String said = run("Train", MODEL, pairs.toString(), trained.toString());
        assertTrue(said.startsWith("2 steps, Optional[Heldout["), said);
    }

    @AfterAll
    static void close() throws IOException {
        programs.close();
    }

    /// What a program prints.
    private static String run(String name, String... arguments) throws Exception {
        return printed(
                () ->
                        programs.loadClass(name)
                                .getMethod("main", String[].class)
                                .invoke(null, (Object) arguments));
    }

    private interface Work {
        void run() throws Exception;
    }

    private static String printed(Work work) throws Exception {
        PrintStream console = System.out;
        var said = new ByteArrayOutputStream();
        System.setOut(new PrintStream(said, true, StandardCharsets.UTF_8));
        try {
            work.run();
        } finally {
            System.setOut(console);
        }
        return said.toString(StandardCharsets.UTF_8);
    }

    private static Set<String> names(Path run) throws IOException {
        try (Stream<Path> files = Files.list(run)) {
            return files.map(file -> file.getFileName().toString())
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    /// Without times and speeds.
    private static List<Map<String, Object>> learned(Path run) throws IOException {
        List<Map<String, Object>> lines = new ArrayList<>();
        for (Map<String, Object> line : MetricsFile.read(run.resolve(MetricsFile.NAME))) {
            Map<String, Object> kept = new TreeMap<>(line);
            kept.keySet().removeIf(key -> key.matches(".*(runtime|per_second|time|flos|mem).*"));
            lines.add(kept);
        }
        return lines;
    }

    private static String config(Path run) throws IOException {
        return Files.readString(run.resolve("config.yaml")).replaceAll("output_dir: .*", "");
    }

    @Test
    void theFolderIsThatOfTheCommand() throws Exception {
        Path commands = folder.resolve("commands");
        printed(
                () ->
                        assertEquals(
                                0,
                                Main.run(
                                        "dpo",
                                        trained.resolve("config.yaml").toString(),
                                        "output_dir=" + commands)));
        Set<String> expected = names(commands);
        expected.removeAll(COMMANDS_OWN);
        assertEquals(expected, names(trained));
        assertEquals(config(commands), config(trained));
        assertEquals(learned(commands), learned(trained));
        assertTrue(learned(trained).size() >= 2, learned(trained)::toString);
        RunCard card = RunCard.read(trained.resolve(RunCard.NAME)).orElseThrow();
        assertEquals("dpo", card.method());
        assertEquals(RunCard.State.FINISHED, card.state());
        assertEquals(
                RunCard.read(commands.resolve(RunCard.NAME)).orElseThrow().facts().keySet(),
                card.facts().keySet());
        String page = Files.readString(trained.resolve(ReportPage.NAME));
        assertTrue(page.contains("dpo · finished after 2 steps"), "report.html");
        var summary = new ObjectMapper().readTree(trained.resolve("summary.json").toFile());
        assertEquals(2, summary.path("steps").asInt());
    }

    @Test
    void itTriesValues() throws Exception {
        Path rows =
                Files.writeString(
                        folder.resolve("rows.jsonl"),
                        "{\"prompt\": \"Sort ascending: 2 1\", \"completion\": \"1 2\"}\n"
                                .repeat(8));
        Path out = folder.resolve("tuned");
        String said = run("Tune", MODEL, rows.toString(), out.toString());
        assertTrue(said.matches("\\[learning_rate=1e-[34]\\]\n"), said);
        assertTrue(names(out.resolve("trial-002")).contains("adapter_model.safetensors"));
        assertEquals(said, run("Tune", MODEL, rows.toString(), out.toString()));
    }

    @Test
    void itTalksWithTheResult() throws Exception {
        String said = run("Talk", MODEL, trained.toString());
        assertTrue(said.endsWith("4 messages\n"), said);
        assertEquals(3, said.lines().count(), said);
    }

    @Test
    void itCompletesPrompts() throws Exception {
        assertEquals(2, run("Complete", MODEL).lines().count());
    }

    @Test
    void oneProcessIsARankWithoutOthers() throws Exception {
        Path out = folder.resolve("ranks");
        run("Ranks", MODEL, folder.resolve("pairs.jsonl").toString(), out.toString());
        assertEquals(
                RunCard.State.FINISHED,
                RunCard.read(out.resolve(RunCard.NAME)).orElseThrow().state());
    }

    @Test
    void itTrainsByAReward() throws Exception {
        Path prompts =
                Files.writeString(
                        folder.resolve("prompts.jsonl"),
                        "{\"prompt\": \"Sort ascending: 2 1\"}\n".repeat(8));
        Path out = folder.resolve("rewarded");
        run("Rewarded", MODEL, prompts.toString(), out.toString());
        List<Map<String, Object>> lines = learned(out);
        assertTrue(lines.getFirst().containsKey("rewards/brief/mean"), lines::toString);
        assertTrue(config(out).contains("object brief (weight 1.0)"), config(out));
        assertTrue(names(out).contains(ReportPage.NAME));
    }
}
