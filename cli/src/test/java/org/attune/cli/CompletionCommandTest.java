package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.cli.config.Key;
import org.attune.cli.config.KeyTable;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.run.Methods;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

@EnabledIf("hasBash")
class CompletionCommandTest {
    @TempDir Path folder;

    static boolean hasBash() {
        return Files.isExecutable(Path.of("/bin/bash"));
    }

    private static String script(String shell) {
        var out = new StringWriter();
        int code =
                Main.commandLine(
                                new PrintWriter(out),
                                new PrintWriter(new StringWriter()),
                                "completion",
                                shell)
                        .execute("completion", shell);
        assertEquals(0, code);
        return out.toString();
    }

    /// What bash offers for the last word.
    private List<String> completed(String... words) throws IOException, InterruptedException {
        Path file = Files.writeString(folder.resolve("attune.bash"), script("bash"));
        String command =
                "source %s; COMP_WORDS=(%s); COMP_CWORD=%d; _attune; printf '%%s\\n' \"${COMPREPLY[@]}\""
                        .formatted(file, "'" + String.join("' '", words) + "'", words.length - 1);
        Process bash =
                new ProcessBuilder("/bin/bash", "--norc", "-c", command)
                        .redirectErrorStream(true)
                        .start();
        String output = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        bash.waitFor();
        return output.lines().filter(line -> !line.isEmpty()).toList();
    }

    @Test
    void bashCompletesCommandsOptionsKeysAndTheirValues() throws Exception {
        assertEquals(List.of("grpo"), completed("attune", "gr"));
        assertEquals(List.of("--model"), completed("attune", "chat", "--mo"));
        assertEquals(List.of("dpo"), completed("attune", "preview", "--method", "dp"));
        assertTrue(completed("attune", "sft", "run.yaml", "lora_").contains("lora_r="));
        assertEquals(List.of(), completed("attune", "sft", "run.yaml", "num_gen"));
        assertEquals(
                List.of("batch"), completed("attune", "grpo", "r.yaml", "scale_rewards", "=", "b"));
        assertEquals(
                List.of("scale_rewards=batch"),
                completed("attune", "grpo", "r.yaml", "scale_rewards=b"));
        assertEquals(List.of("reward"), completed("attune", "init", "rew"));
        assertEquals(List.of("generate"), completed("attune", "help", "gen"));
    }

    @Tag("thorough")
    @Test
    void everyCommandAndEveryKeyIsOffered() throws Exception {
        List<String> commands = completed("attune", "");
        assertTrue(commands.containsAll(AttuneCommand.line().getSubcommands().keySet()));
        for (TrainingMethod<?, ?> method : Methods.all()) {
            List<String> keys = completed("attune", method.name(), "run.yaml", "");
            for (Key key : KeyTable.load().of(method)) {
                boolean obeyed = key.outcome() == Key.Outcome.OBEYED;
                assertEquals(obeyed, keys.contains(key.name() + "="), key.name());
            }
        }
    }

    @Test
    void filesAreLeftToTheShell() throws Exception {
        assertEquals(List.of(), completed("attune", "grpo", ""));
        assertEquals(List.of(), completed("attune", "grpo", "run.yaml", "datasets", "=", ""));
    }

    @Test
    void fishGetsALineForWhatMayStand() {
        String script = script("fish");
        assertTrue(script.contains("__fish_use_subcommand -f -a dpo -d '"), script);
        String dpo = "complete -c attune -n '__fish_seen_subcommand_from dpo' -a '";
        String keys = script.lines().filter(l -> l.startsWith(dpo)).findFirst().orElseThrow();
        assertTrue(keys.contains(" beta= "), keys);
        assertTrue(keys.contains(" loss_type=ipo "), keys);
        String method =
                script.lines()
                        .filter(l -> l.contains("from preview' -l method"))
                        .findFirst()
                        .orElse("");
        assertTrue(method.contains("-x -a 'sft "), script);
        for (String line : script.lines().skip(1).toList()) {
            long quotes = line.replace("\\'", "").chars().filter(c -> c == '\'').count();
            assertEquals(0, quotes % 2, line);
        }
    }

    /// What fish itself offers.
    @Test
    @EnabledIf("hasFish")
    void fishReadsIt() throws Exception {
        Path file = Files.writeString(folder.resolve("attune.fish"), script("fish"));
        assertTrue(offered(file, "attune gr").contains("grpo"));
        assertTrue(offered(file, "attune dpo run.yaml loss_type=i").contains("loss_type=ipo"));
        assertTrue(offered(file, "attune schema dp").contains("dpo"));
        assertTrue(offered(file, "attune preview --method dp").contains("dpo"));
    }

    static boolean hasFish() {
        return Files.isExecutable(Path.of("/usr/bin/fish"));
    }

    private List<String> offered(Path file, String line) throws Exception {
        Process fish =
                new ProcessBuilder(
                                "fish",
                                "--no-config",
                                "-c",
                                "source %s; complete -C '%s'".formatted(file, line))
                        .redirectErrorStream(true)
                        .start();
        String output = new String(fish.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        fish.waitFor();
        return output.lines().map(l -> l.replaceFirst("\t.*", "")).toList();
    }

    @Test
    void zshLoadsBashsFunctions() {
        assertTrue(script("zsh").startsWith("autoload"));
    }
}
