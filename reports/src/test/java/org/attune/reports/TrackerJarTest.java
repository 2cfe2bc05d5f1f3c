package org.attune.reports;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.models.ModelConfig;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.SaveConfig;
import org.attune.trainers.report.RunReporter;
import org.attune.trainers.report.RunReporters;
import org.attune.trainers.run.RunFiles;
import org.attune.trainers.run.Runs;
import org.attune.trainers.sft.SftConfig;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.jar.JarOutputStream;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;

import javax.tools.ToolProvider;

/// The tracker of `docs/sharing.md`, in a jar as a user makes it.
class TrackerJarTest {
    private static final Path ROOT = Path.of(System.getProperty("attune.root", ".."));
    private static final ClassLoader BEFORE = Thread.currentThread().getContextClassLoader();

    @TempDir static Path folder;
    private static URLClassLoader jar;

    @BeforeAll
    static void makeJar() throws IOException {
        Matcher program =
                Pattern.compile("(?s)```java\n(.*?public class Ledger .*?)```")
                        .matcher(Files.readString(ROOT.resolve("docs/sharing.md")));
        assertTrue(program.find());
        Path classes = Files.createDirectories(folder.resolve("classes"));
        Path source = Files.writeString(folder.resolve("Ledger.java"), program.group(1));
        var errors = new ByteArrayOutputStream();
        int code =
                ToolProvider.getSystemJavaCompiler()
                        .run(null, null, errors, "-d", classes.toString(), source.toString());
        assertEquals(0, code, () -> errors.toString(StandardCharsets.UTF_8));
        Path services = Files.createDirectories(classes.resolve("META-INF/services"));
        Files.writeString(services.resolve(RunReporter.class.getName()), "ledger.Ledger\n");
        Path file = folder.resolve("ledger.jar");
        try (var out = new JarOutputStream(Files.newOutputStream(file));
                Stream<Path> all = Files.walk(classes)) {
            for (Path entry : all.filter(Files::isRegularFile).toList()) {
                out.putNextEntry(new ZipEntry(classes.relativize(entry).toString()));
                Files.copy(entry, out);
            }
        }
        jar = new URLClassLoader(new URL[] {file.toUri().toURL()}, BEFORE);
        Thread.currentThread().setContextClassLoader(jar);
    }

    @AfterAll
    static void close() throws IOException {
        Thread.currentThread().setContextClassLoader(BEFORE);
        jar.close();
    }

    private static SftConfig config(String... reportTo) throws IOException {
        Path rows =
                Files.writeString(
                        folder.resolve("rows.jsonl"),
                        "{\"prompt\": \"Sort: 2 1\", \"completion\": \"1 2\"}\n".repeat(4));
        return SftConfig.defaults()
                .withModel(ModelConfig.of(ROOT.resolve("examples/model").toString()))
                .withLora(LoraSettings.allLinear(4, 8))
                .withData(DataConfig.of(rows.toString()))
                .withTraining(t -> t.withSave(SaveConfig.to(folder.resolve("out"))))
                .withTraining(t -> t.withSchedule(s -> s.withMaxSteps(2)))
                .withTraining(
                        t -> t.withLog(l -> l.withLoggingSteps(1).withReportTo(List.of(reportTo))));
    }

    private static void train(SftConfig config, Map<String, String> environment) {
        Runs runs = Runs.with();
        var files = new RunFiles(List.of(), environment, List.of(), _ -> {});
        new Runs(runs.hub(), List.of(), runs.stop(), runs.ranks(), Optional.of(files))
                .train(config);
    }

    @Test
    void itsReportHearsOfTheRun() throws IOException {
        Path ledger = folder.resolve("ledger.txt");
        train(config("Ledger", "tensorboard"), Map.of("LEDGER_FILE", ledger.toString()));
        List<String> lines = Files.readAllLines(ledger);
        assertEquals(3, lines.size(), lines::toString);
        String run = Pattern.quote(folder.resolve("out").toString());
        assertTrue(lines.get(0).matches(run + " 1 loss \\d.*"), lines::toString);
        assertTrue(lines.get(1).matches(run + " 2 loss \\d.*"), lines::toString);
        assertEquals(folder.resolve("out") + " finished", lines.get(2));
        assertTrue(Files.exists(folder.resolve("out/report.html")));
        assertTrue(Files.isDirectory(folder.resolve("out/runs")));
    }

    @Test
    void whatItNeedsIsAskedForBeforeTheModelIsRead() throws IOException {
        SftConfig config = config("ledger").withModel(ModelConfig.of("no-such-model"));
        var e = assertThrows(ConfigException.class, () -> train(config, Map.of()));
        assertEquals("report_to: ledger needs LEDGER_FILE, a file to write to", e.getMessage());
    }

    @Test
    void unknownNamesAreRefusedWithThoseThatThereAre() throws IOException {
        SftConfig config = config("ledgr");
        var e = assertThrows(ConfigException.class, () -> train(config, Map.of()));
        assertEquals(
                "report_to: ledgr; accepted: none, tensorboard, wandb, mlflow, trackio, ledger; a"
                        + " tracker is a provider of org.attune.trainers.report.RunReporter on the"
                        + " class path (docs/sharing.md)",
                e.getMessage());
        assertTrue(RunReporters.variables().contains("LEDGER_FILE"));
    }
}
