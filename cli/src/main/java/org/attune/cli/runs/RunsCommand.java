package org.attune.cli.runs;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.progress.ProgressLine;
import org.attune.cli.terminal.RunScreen;
import org.attune.cli.terminal.TextTable;
import org.attune.cli.terminal.VisibleText;
import org.attune.error.ConfigException;
import org.attune.reports.page.HeldOutMetric;
import org.attune.reports.runs.FoundRun;
import org.attune.trainers.report.RunCard;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;

/// `attune runs [FOLDER]`
@Command(
        name = "runs",
        description = {
            "List runs in folders: running, stopped, dead, finished.",
            "With their steps and their quality on held-out rows before and after."
        })
public final class RunsCommand implements Callable<Integer> {
    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Parameters(
            arity = "0..1",
            paramLabel = "FOLDER",
            defaultValue = ".",
            description = "A run's output_dir, or a folder above several (default: where you are).")
    Path folder;

    @Override
    public Integer call() {
        Instant now = Instant.now();
        List<FoundRun> runs;
        try {
            runs = FoundRun.find(folder, now);
        } catch (IOException e) {
            throw new ConfigException("%s can't be listed: %s".formatted(folder, e), e);
        }
        if (runs.isEmpty()) {
            throw new ConfigException(
                    "no run in %s; name a run's output_dir or a folder above it"
                            .formatted(folder.toAbsolutePath().normalize()));
        }
        PrintWriter out = spec.commandLine().getOut();
        try (var screen = RunScreen.open(out)) {
            for (FoundRun.Standing standing : FoundRun.Standing.values()) {
                List<FoundRun> some = runs.stream().filter(r -> r.standing() == standing).toList();
                if (!some.isEmpty()) {
                    screen.line(standing.text());
                    screen.table(table(some, now));
                }
            }
        }
        return ExitCodes.DONE;
    }

    private TextTable table(List<FoundRun> runs, Instant now) {
        return new TextTable(
                List.of(
                        new TextTable.Column("run", false),
                        new TextTable.Column("method", true),
                        new TextTable.Column("step", true),
                        new TextTable.Column("last beat", true),
                        new TextTable.Column("held out", false),
                        new TextTable.Column("before", true),
                        new TextTable.Column("after", true)),
                runs.stream().map(run -> row(run, now)).toList());
    }

    private List<TextTable.Cell> row(FoundRun run, Instant now) {
        String at = folder.relativize(run.folder()).toString();
        String name = VisibleText.of(at.isEmpty() ? run.folder().toString() : at);
        return List.of(
                TextTable.Cell.of(name),
                TextTable.Cell.of(run.card().map(RunCard::method).orElse("")),
                TextTable.Cell.of(run.card().map(RunsCommand::steps).orElse("")),
                TextTable.Cell.of(run.card().map(card -> age(card, now)).orElse("")),
                TextTable.Cell.of(run.heldOut().map(HeldOutMetric::key).orElse("")),
                TextTable.Cell.of(run.heldOut().map(h -> shown(h.before())).orElse("")),
                TextTable.Cell.of(run.heldOut().map(h -> shown(h.after())).orElse("")));
    }

    private static String steps(RunCard card) {
        return card.plannedSteps() > 0 ? card.step() + "/" + card.plannedSteps() : "-";
    }

    private static String shown(OptionalDouble value) {
        return value.isEmpty() ? "-" : ProgressLine.significant(value.getAsDouble());
    }

    private static String age(RunCard card, Instant now) {
        Duration age = Duration.between(card.beat(), now);
        String text =
                age.toHours() < 48
                        ? ProgressLine.duration(Math.max(0, age.toMillis()))
                        : age.toDays() + " d";
        return String.format(Locale.ROOT, "%s ago", text);
    }
}
