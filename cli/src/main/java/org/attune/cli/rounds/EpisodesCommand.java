package org.attune.cli.rounds;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.terminal.RunScreen;
import org.attune.episode.EndReason;
import org.attune.error.ConfigException;
import org.attune.files.GivenPath;
import org.attune.json.Json;
import org.attune.rollout.source.RecordedCompletion;
import org.attune.rollout.source.RecordedLines;
import org.attune.text.TextAssets;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;

/// `attune episodes FILE`
@Command(
        name = "episodes",
        description = {
            "Show recorded episodes: turns, calls, results, rewards.",
            "What the model wrote is marked. FILE is what record_rollouts wrote."
        })
public final class EpisodesCommand implements Callable<Integer> {
    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Parameters(index = "0", paramLabel = "FILE", description = "Recorded completions.")
    Path file;

    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description =
                    "Folder whose tokenizer shows the tokens themselves instead of the messages.")
    String model;

    @Option(
            names = {"-n", "--limit"},
            defaultValue = "10",
            description = "Most episodes to show (default: ${DEFAULT-VALUE}).")
    int limit;

    @Option(names = "--round", paramLabel = "N", description = "Only those of a round, from 0.")
    Long round;

    @Option(
            names = "--end",
            paramLabel = "REASON",
            description = "Only those that ended so, as answered or failed.")
    String end;

    @Option(
            names = "--row",
            paramLabel = "TEXT",
            description = "Only those whose row or prompt holds this text.")
    String row;

    @Option(
            names = "--min-reward",
            paramLabel = "R",
            description = "Only those with a weighted sum of rewards of at least R.")
    Double least;

    @Option(
            names = "--max-reward",
            paramLabel = "R",
            description = "Only those with a weighted sum of rewards of at most R.")
    Double most;

    @Override
    public Integer call() {
        requireEnd();
        List<RecordedCompletion> all = RecordedLines.all(file, Set.of());
        List<RecordedCompletion> fitting = all.stream().filter(this::fits).toList();
        PrintWriter out = spec.commandLine().getOut();
        if (model == null) {
            show(fitting, new EpisodeText(Optional.empty(), RunScreen.isTerminal()), out);
        } else {
            try (var text = TextAssets.load(GivenPath.of(model))) {
                var shown = new EpisodeText(Optional.of(text.tokenizer()), RunScreen.isTerminal());
                show(fitting, shown, out);
            }
        }
        out.println(
                "%d of %d episodes fit%s"
                        .formatted(
                                fitting.size(),
                                all.size(),
                                fitting.size() > limit
                                        ? ", %d are shown; -n shows more".formatted(limit)
                                        : ""));
        out.flush();
        return ExitCodes.DONE;
    }

    private void requireEnd() {
        List<String> known = Arrays.stream(EndReason.values()).map(EndReason::key).toList();
        if (end != null && !known.contains(end)) {
            throw new ConfigException(
                    "--end is %s; accepted: %s"
                            .formatted(end, known.stream().collect(Collectors.joining(", "))));
        }
    }

    private void show(List<RecordedCompletion> fitting, EpisodeText text, PrintWriter out) {
        fitting.stream().limit(limit).forEach(one -> out.println(text.of(one)));
    }

    private boolean fits(RecordedCompletion one) {
        double total = EpisodeText.total(one);
        return (round == null || one.round() == round)
                && (end == null
                        || one.sampled()
                                .episode()
                                .filter(e -> e.end().key().equals(end))
                                .isPresent())
                && (row == null || holds(one))
                && (least == null || total >= least)
                && (most == null || total <= most);
    }

    private boolean holds(RecordedCompletion one) {
        return one.sampled()
                .episode()
                .filter(
                        e ->
                                Json.write(e.start().row()).contains(row)
                                        || e.prompt().stream()
                                                .anyMatch(m -> m.content().contains(row)))
                .isPresent();
    }
}
