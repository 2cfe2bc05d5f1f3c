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
import java.util.List;

class MainTest {
    @TempDir Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        return Main.commandLine(new PrintWriter(out), new PrintWriter(err), args).execute(args);
    }

    @Test
    void everyCommandHasHelp() {
        for (String name : AttuneCommand.line().getSubcommands().keySet()) {
            out.getBuffer().setLength(0);
            assertEquals(0, run(name, "--help"), name);
            assertTrue(out.toString().contains("Usage: attune " + name), out.toString());
        }
        assertEquals(0, run("--help"));
    }

    @Test
    void versionNamesWhatItRunsOn() {
        assertEquals(0, run("version"));
        assertTrue(
                out.toString().matches("attune \\d+\\.\\S+ \\(libtorch \\d+\\.\\S+, DJL \\d(?s).*"),
                out.toString());
    }

    @Test
    void wrongUseIsExitCode2() {
        assertEquals(2, run());
        assertEquals(2, run("sftt"));
        assertEquals(2, run("sft"));
        assertEquals(2, run("generate", "--temperature", "warm", "--model", "m"));
        assertTrue(err.toString().contains("sft"), err.toString());
    }

    @Test
    void commandsOfTrlSayWhatThereIsInstead() {
        for (String name :
                List.of(
                        "kto",
                        "orpo",
                        "cpo",
                        "simpo",
                        "rloo",
                        "gkd",
                        "gold",
                        "online-dpo",
                        "online_dpo",
                        "nash-md",
                        "xpo",
                        "vllm-serve",
                        "env",
                        "launch",
                        "distillation")) {
            err.getBuffer().setLength(0);
            assertEquals(2, run(name, "--model_name_or_path", "m", "run.yaml"), name);
            String shown = err.toString();
            assertTrue(shown.startsWith("attune: " + name.replace('_', '-') + " "), shown);
            assertTrue(shown.contains("attune ") && shown.lines().count() == 1, shown);
        }
    }

    @Test
    void keysMayStandAsOptionsOfTheCommand() {
        for (String name :
                List.of("sft", "dpo", "bco", "grpo", "ppo", "reward", "prm", "preview")) {
            err.getBuffer().setLength(0);
            assertEquals(2, run(name, "--learning_rate", "-1", "--lora_r=x", "-q"), name);
            String shown = err.toString();
            assertTrue(shown.contains("argument --learning_rate: learning_rate: -1"), shown);
            assertTrue(shown.contains("argument --lora_r=x: lora_r: x"), shown);
        }
    }

    @Test
    void wrongConfigurationIsExitCode2WithoutAStackTrace() throws IOException {
        Path file = Files.writeString(folder.resolve("run.yaml"), "learning_rat: 1\n");
        assertEquals(2, run("sft", file.toString()));
        String shown = err.toString();
        assertTrue(shown.contains("attune: 3 problems:"), shown);
        assertTrue(shown.contains("run.yaml:1: learning_rat: 1; unknown key"), shown);
        assertFalse(shown.contains("\tat "), shown);
    }

    @Test
    void stackTraceOnRequest() {
        assertEquals(2, run("dpo", "/no/such.yaml", "--stacktrace"));
        assertTrue(err.toString().contains("\tat org.attune.cli"), err.toString());
    }

    @Test
    void missingModelIsToldWithItsLine() throws IOException {
        Path file =
                Files.writeString(
                        folder.resolve("run.yaml"),
                        "model_name_or_path: %s/none\ndatasets: d.jsonl\noutput_dir: %s/out\n"
                                .formatted(folder, folder));
        assertEquals(2, run("preview", file.toString(), "--method", "dpo"));
        String shown = err.toString();
        assertTrue(shown.contains("run.yaml:1: model_name_or_path: "), shown);
        assertTrue(shown.contains("no such file or folder; looked at " + folder), shown);
    }

    @Test
    void mergeAndExportSayWhichOfThemIsMeant() {
        assertEquals(2, run("merge", "--model", "m", "--output", "o"));
        assertEquals(2, run("export", "--model", "m", "--adapter", "a", "--output", "o"));
        assertTrue(err.toString().contains("use attune export"), err.toString());
        assertTrue(err.toString().contains("use attune merge"), err.toString());
    }
}
