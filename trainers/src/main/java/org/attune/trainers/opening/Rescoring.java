package org.attune.trainers.opening;

import org.attune.datasets.rows.RowOrigin;
import org.attune.episode.Episode;
import org.attune.error.ConfigException;
import org.attune.error.RolloutException;
import org.attune.files.HubCache;
import org.attune.models.ModelSetup;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.generation.TextCompleter;
import org.attune.rollout.source.RecordedCompletion;
import org.attune.rollout.source.RecordedLines;
import org.attune.text.Tokenizer;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.onpolicy.CompletionJudge;
import org.attune.trainers.onpolicy.CompletionText;
import org.attune.trainers.onpolicy.JudgedCompletions;
import org.attune.trainers.onpolicy.RecordedRound;
import org.attune.trainers.onpolicy.RolloutRun;

import java.nio.IntBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/// Judges recorded completions anew, as a run would; nothing is generated and no policy is loaded.
public final class Rescoring {
    private final Path file;
    private final Tokenizer tokenizer;
    private final Supplier<List<PromptExample>> data;
    private Map<IntBuffer, PromptExample> byPrompt; // null until a completion needs it

    private Rescoring(Path file, Tokenizer tokenizer, Supplier<List<PromptExample>> data) {
        this.file = file;
        this.tokenizer = tokenizer;
        this.data = data;
    }

    /// Rewards before and after, completion by completion.
    ///
    /// @param before as the file has them, `(N)`
    /// @param after the same with the run's rewards, `(N)`
    public record Result(List<RecordedCompletion> before, List<RecordedCompletion> after) {}

    /// Judges a file's completions by a run's `reward_funcs`. An episode brings its row along; for
    /// other completions the run's data are read.
    ///
    /// @param config the run's
    /// @param directory where relative paths start
    /// @throws ConfigException if the run has no rewards
    /// @throws RolloutException naming file and line of what can't be read or has no row
    public static <C extends Record & RolloutRun> Result of(
            RolloutMethod<C> method, C config, Path directory, HubCache hub, Path file) {
        if (config.judges().isEmpty()) {
            throw new ConfigException("reward_funcs is empty; name the rewards to judge by");
        }
        try (var model = ModelSetup.open(config.model(), hub);
                var rewards = RunRewards.open(config, directory, hub)) {
            List<RecordedCompletion> before =
                    RecordedLines.all(
                            file,
                            config.stopIds()
                                    .orElseGet(
                                            () ->
                                                    TextCompleter.stopIds(
                                                            model.source(),
                                                            model.text().tokenizer())));
            var setup = RowSetup.of(model, hub, directory);
            var rescoring =
                    new Rescoring(
                            file,
                            model.text().tokenizer(),
                            () -> method.prepare(setup, config).train());
            var judge =
                    new CompletionJudge(
                            config,
                            rewards,
                            new CompletionText(model.text().tokenizer()),
                            new PhaseClock());
            return new Result(before, rescoring.judged(before, judge));
        }
    }

    private List<RecordedCompletion> judged(
            List<RecordedCompletion> before, CompletionJudge judge) {
        Map<Long, List<Integer>> rounds = new TreeMap<>();
        for (int i = 0; i < before.size(); i++) {
            rounds.computeIfAbsent(before.get(i).round(), _ -> new ArrayList<>()).add(i);
        }
        RecordedCompletion[] after = new RecordedCompletion[before.size()];
        rounds.forEach(
                (round, places) -> {
                    List<RecordedCompletion> lines = places.stream().map(before::get).toList();
                    List<RecordedCompletion> judged = round(round, lines, judge);
                    for (int i = 0; i < lines.size(); i++) {
                        after[places.get(i)] = judged.get(i);
                    }
                });
        return List.of(after);
    }

    private List<RecordedCompletion> round(
            long number, List<RecordedCompletion> lines, CompletionJudge judge) {
        List<PromptExample> rows = lines.stream().map(this::row).toList();
        List<SampledCompletion> sampled = lines.stream().map(RecordedCompletion::sampled).toList();
        int[] each = IntStream.range(0, lines.size()).toArray();
        JudgedCompletions judged = judge.of(each, rows, 1, (_, _) -> sampled);
        List<RecordedCompletion> made = RecordedRound.of(number, judged, each, false);
        List<RecordedCompletion> after = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            after.add(lines.get(i).withRewards(made.get(i).rewards(), made.get(i).weights()));
        }
        return after;
    }

    private PromptExample row(RecordedCompletion line) {
        return line.sampled()
                .episode()
                .map(this::row)
                .orElseGet(() -> given(line.prompt(), line.round()));
    }

    private PromptExample row(Episode episode) {
        return new PromptExample(
                episode.promptIds(),
                tokenizer.decode(episode.promptIds(), false),
                episode.prompt(),
                episode.start().row(),
                new RowOrigin(file.toString(), 1, 0));
    }

    private PromptExample given(int[] prompt, long round) {
        if (byPrompt == null) {
            byPrompt = new HashMap<>();
            data.get().forEach(this::know);
        }
        PromptExample row = byPrompt.get(IntBuffer.wrap(prompt));
        if (row == null) {
            throw new RolloutException(
                    "%s: no row of the run's data has the prompt_ids of a completion of round %d; use the data and the chat template of the recorded run"
                            .formatted(file, round));
        }
        return row;
    }

    private void know(PromptExample row) {
        PromptExample before = byPrompt.putIfAbsent(IntBuffer.wrap(row.ids()), row);
        if (before != null && !before.columns().equals(row.columns())) {
            throw new RolloutException(
                    "%s and %s have the same prompt and other columns, so a recorded completion can't be told to be of one of them; leave one out"
                            .formatted(before.origin().where(), row.origin().where()));
        }
    }
}
