package org.attune.cli.runs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.cli.Main;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.SecretArguments;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.report.MetricsFile;
import org.attune.trainers.report.RunCard;
import org.attune.trainers.report.RunFile;
import org.attune.trainers.report.RunProcess;
import org.attune.trainers.report.SummaryFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

class RunsCommandTest {
    @TempDir Path root;

    private RunFile start(String name, RunProcess worker, Instant at) {
        Path folder = root.resolve(name);
        var card =
                new RunCard(
                        "dpo",
                        Optional.empty(),
                        RunCard.State.STARTING,
                        worker,
                        List.of("attune"),
                        "/",
                        "1",
                        Optional.empty(),
                        at,
                        at,
                        0,
                        0,
                        Optional.empty(),
                        Map.of());
        var file = new RunFile(folder, card, InstantSource.fixed(at), () -> "2.7.1");
        var info = new RunInfo("dpo", folder, 0, 10, 5, 0, 1);
        file.onStart(info);
        new MetricsFile(folder).onStart(info);
        return file;
    }

    private static RunProcess gone() {
        RunProcess own = RunProcess.current();
        return new RunProcess(own.pid(), own.host(), Optional.of(Instant.EPOCH));
    }

    private String list() {
        var out = new StringWriter();
        int code =
                Main.commandLine(new PrintWriter(out), new PrintWriter(out), "runs")
                        .execute("runs", root.toString());
        assertEquals(0, code, out.toString());
        return out.toString();
    }

    private static String line(String text, String word) {
        return text.lines().filter(l -> l.contains(word)).findFirst().orElseThrow();
    }

    @Test
    void runsStandApart() throws IOException {
        Instant now = Instant.now();
        start("a/one", RunProcess.current(), now);
        start("two", gone(), now);
        var metrics = new MetricsFile(root.resolve("two"));
        metrics.onEvaluate(0, Map.of("eval_loss", 2.5));
        metrics.onEvaluate(5, Map.of("eval_loss", 1.25));
        var summary =
                new RunSummary(
                        10,
                        false,
                        Optional.of(
                                new RunSummary.Heldout(
                                        "eval_loss",
                                        7,
                                        OptionalDouble.of(3),
                                        OptionalDouble.of(1.5))),
                        Map.of(),
                        0,
                        0);
        start("three", gone(), now).onEnd(summary);
        new SummaryFile(root.resolve("three")).onEnd(summary);
        start("four", new RunProcess(1, "elsewhere", Optional.empty()), now.minusSeconds(3600));
        start("a/one/checkpoint-5", RunProcess.current(), now);
        String text = list();
        assertEquals(
                List.of("running", "silent", "dead", "finished"),
                text.lines().filter(l -> !l.startsWith(" ")).toList());
        assertTrue(line(text, "two").matches(".*0/10.*eval_loss +2\\.5\\d* +1\\.25\\d*"), text);
        assertTrue(line(text, "three").matches(".*10/10.*eval_loss +3\\.0* +1\\.50*"), text);
        assertFalse(text.contains("checkpoint-5"), text);
    }

    @Test
    void runOfAnOlderVersionIsListedToo() throws IOException {
        var info = new RunInfo("sft", root, 0, 10, 5, 0, 1);
        new MetricsFile(root).onStart(info);
        new SummaryFile(root).onEnd(new RunSummary(3, true, Optional.empty(), Map.of(), 0, 0));
        assertTrue(list().startsWith("stopped"), list());
    }

    @Test
    void secretsAreNoPartOfARunsFile() {
        assertEquals(
                List.of("dpo", "run.yaml", "--beta", "0.1"),
                SecretArguments.without(
                        List.of(
                                "dpo",
                                "run.yaml",
                                "hub_token=hf_a",
                                "--hub_token",
                                "hf_b",
                                "--push_to_hub_token=hf_c",
                                "--beta",
                                "0.1")));
    }

    @Test
    void emptyFolderIsAnError() {
        var out = new StringWriter();
        int code =
                Main.commandLine(new PrintWriter(out), new PrintWriter(out), "runs")
                        .execute("runs", root.toString());
        assertEquals(ExitCodes.USAGE, code);
        assertTrue(Files.exists(root));
        assertTrue(out.toString().contains("no run in"), out.toString());
    }
}
