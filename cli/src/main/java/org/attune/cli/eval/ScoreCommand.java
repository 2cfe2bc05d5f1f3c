package org.attune.cli.eval;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.ModelOptions;
import org.attune.cli.command.UsesEngine;
import org.attune.cli.progress.CountedProgress;
import org.attune.cli.terminal.RunScreen;
import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.DatasetLoader;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.SplitSpec;
import org.attune.datasets.formats.Sample;
import org.attune.files.HubCache;
import org.attune.hub.HubDownload;
import org.attune.models.DtypeChoice;
import org.attune.tensor.Engine;
import org.attune.trainers.judges.RowScorer;
import org.attune.trainers.prepare.ScoringPreparation.Scored;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;

/// `attune score --model REWARD_MODEL [--adapter ADAPTER] --data DATA --out FILE`
@Command(
        name = "score",
        description = {
            "Score the rows of a file by a reward model.",
            "Pairs get score_chosen and score_rejected, other answers score, solutions step_scores:"
                    + " the probability of each step that it is right."
        })
public final class ScoreCommand implements Callable<Integer>, UsesEngine {
    @Mixin CommonOptions common;
    @Mixin ModelOptions model;
    @Spec CommandSpec spec;

    @Option(
            names = "--data",
            required = true,
            paramLabel = "DATA",
            description =
                    "File, folder, FOLDER#NAME or name of a data set: preference pairs, prompts"
                        + " with completions, messages or texts; for a process reward model prompts"
                        + " with steps.")
    String data;

    @Option(
            names = "--split",
            defaultValue = "train",
            description = "Which rows, as train[:100] (default: ${DEFAULT-VALUE}).")
    String split;

    @Option(
            names = "--out",
            required = true,
            paramLabel = "FILE",
            description =
                    "JSON lines (.jsonl) or Parquet (.parquet): the rows' columns with the scores,"
                            + " written when all rows are scored.")
    Path out;

    @Option(
            names = "--step-separator",
            paramLabel = "TEXT",
            description =
                    "What stands behind every step (default: what the model's folder says, else a"
                            + " line feed).")
    String separator;

    @Option(names = "--dtype", defaultValue = "auto", description = "auto, float32 or bfloat16.")
    DtypeChoice dtype;

    @Override
    public Integer call() {
        ScoreFile.Form form = ScoreFile.Form.of(out);
        Engine.run(() -> score(form));
        return ExitCodes.DONE;
    }

    private void score(ScoreFile.Form form) {
        try (var screen = RunScreen.open(spec.commandLine().getOut())) {
            score(form, screen);
        }
    }

    private void score(ScoreFile.Form form, RunScreen screen) {
        HubCache hub = HubDownload.cache();
        var progress = new CountedProgress(screen, InstantSource.system(), "rows", true);
        progress.loading(model.model);
        try (RowScorer scorer = RowScorer.open(model.config(dtype), given(separator), hub)) {
            List<Sample> samples =
                    new DatasetLoader(Path.of(""), hub, BadRowPolicy.ERROR)
                            .load(List.of(source()), scorer.accepted())
                            .samples();
            List<ScoreFile.Line> lines = ScoreFile.lines(samples, scorer.judgesSteps());
            List<List<Scored>> rows = scorer.prepare(samples);
            List<double[]> scores = scorer.score(rows, progress.scored(rows));
            progress.end();
            List<Map<String, Object>> written = ScoreFile.written(lines, scores);
            form.write(out, written);
            screen.line(ScoreSummary.of(lines, scores).text());
            screen.line("%d rows are in %s".formatted(written.size(), out));
        }
    }

    private DatasetSource source() {
        return new DatasetSource(
                data, Optional.empty(), Optional.empty(), SplitSpec.parse(split), Map.of());
    }

    private static Optional<String> given(String text) {
        return Optional.ofNullable(text).map(t -> t.replace("\\n", "\n").replace("\\t", "\t"));
    }
}
