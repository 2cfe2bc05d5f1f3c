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
                        "simpo",
                        "alphapo",
                        "gold",
                        "online-dpo",
                        "nash-md",
                        "vllm-serve",
                        "env",
                        "launch")) {
            err.getBuffer().setLength(0);
            assertEquals(2, run(name, "--model_name_or_path", "m", "run.yaml"), name);
            String shown = err.toString();
            assertTrue(shown.startsWith("attune: " + name.replace('_', '-') + " "), shown);
            assertTrue(shown.contains("attune ") && shown.lines().count() == 1, shown);
            err.getBuffer().setLength(0);
            assertEquals(2, run("help", name), name);
            assertEquals(shown, err.toString());
        }
    }

    @Test
    void keysMayStandAsOptionsOfTheCommand() {
        for (String name :
                List.of(
                        "sft", "dpo", "orpo", "cpo", "tpo", "bco", "kto", "grpo", "rloo", "ppo",
                        "reward", "prm", "preview")) {
            err.getBuffer().setLength(0);
            assertEquals(2, run(name, "--learning_rate", "-1", "--lora_r=x", "-q"), name);
            String shown = err.toString();
            assertTrue(shown.contains("argument --learning_rate: learning_rate: -1"), shown);
            assertTrue(shown.contains("argument --lora_r=x: lora_r: x"), shown);
        }
    }

    @Test
    void whatWasProbablyMeantIsSaid() {
        assertEquals(2, run("grop"));
        assertTrue(err.toString().contains("no command grop; did you mean grpo?"), err.toString());
        assertEquals(2, run("chat", "--modle", "m"));
        assertTrue(err.toString().contains("--modle; did you mean --model?"), err.toString());
        assertEquals(2, run("eval", "--model", "m", "--smaples=3"));
        assertTrue(err.toString().contains("--smaples; did you mean --samples?"), err.toString());
        assertEquals(2, run("help", "mrege"));
        assertTrue(err.toString().contains("did you mean merge?"), err.toString());
        assertEquals(2, run("keys", "lora_rr"));
        assertTrue(err.toString().contains("did you mean lora_r?"), err.toString());
        assertEquals(2, run("merge"));
        assertTrue(err.toString().contains("--output DIR are missing"), err.toString());
        assertFalse(err.toString().contains("Usage:"), err.toString());
    }

    @Test
    void overviewHasFirstStepsAndEveryCommandOnALineOfATerminal() {
        assertEquals(2, run());
        assertEquals(0, run("help"));
        String overview = out.toString();
        assertEquals(err.toString(), overview);
        assertTrue(overview.contains("First steps:"), overview);
        for (String name : AttuneCommand.line().getSubcommands().keySet()) {
            assertTrue(overview.contains("\n  " + name + " "), name);
        }
        overview.lines().forEach(line -> assertTrue(line.length() <= 80, line));
    }

    @Test
    void helpShowsOneCommand() {
        assertEquals(0, run("help", "generate"));
        assertTrue(out.toString().contains("Usage: attune generate"), out.toString());
        assertEquals(0, run("--version"));
        assertTrue(out.toString().contains("libtorch"), out.toString());
    }

    @Test
    void keysAreListedWithDefaultMeaningAndWhatIsAccepted() {
        assertEquals(0, run("keys", "grpo", "num_generations"));
        assertTrue(out.toString().startsWith("num_generations: 8\n    completions of each prompt"));
        out.getBuffer().setLength(0);
        assertEquals(0, run("keys", "beta"));
        assertTrue(out.toString().contains("beta: 0.1 (dpo, kto)"), out.toString());
        out.getBuffer().setLength(0);
        assertEquals(0, run("keys", "sft", "memory"));
        assertTrue(out.toString().contains("gradient_checkpointing: true"), out.toString());
        assertFalse(out.toString().contains("lora_r:"), out.toString());
        assertEquals(2, run("keys", "cutoff_len"));
        assertTrue(err.toString().contains("LLaMA-Factory's name of max_length"), err.toString());
        assertEquals(0, run("keys", "accelerator_config"));
        assertTrue(out.toString().contains("refused: "), out.toString());
    }

    @Test
    void initWritesNoFileThatIsThere() throws IOException {
        Path file = folder.resolve("run.yaml");
        assertEquals(0, run("init", "sft", "--out", file.toString()));
        String written = Files.readString(file);
        assertEquals(2, run("init", "dpo", "--out", file.toString()));
        assertEquals(written, Files.readString(file));
        assertEquals(0, run("init", "sft"));
        assertTrue(out.toString().endsWith(written), "the same on the output");
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
