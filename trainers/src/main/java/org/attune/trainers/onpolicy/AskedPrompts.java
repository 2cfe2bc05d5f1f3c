package org.attune.trainers.onpolicy;

import org.attune.episode.Episode;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardTable;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.SampledCompletion;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.loop.CompletionTable;

import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Prompts that a round completes, each as often as it is completed.
///
/// @param rows of each completion, `(N)`
/// @param prompts the same, as a source is asked; those of a group are the same object, `(N)`
public record AskedPrompts(List<PromptExample> rows, List<RolloutPrompt> prompts) {
    public AskedPrompts {
        rows = List.copyOf(rows);
        prompts = List.copyOf(prompts);
    }

    /// @param indices numbers of the prompts in the data
    /// @param data all prompts
    /// @param generations completions of each
    public static AskedPrompts of(int[] indices, List<PromptExample> data, int generations) {
        List<PromptExample> rows = new ArrayList<>();
        List<RolloutPrompt> prompts = new ArrayList<>();
        for (int index : indices) {
            PromptExample row = data.get(index);
            var prompt = new RolloutPrompt(index, row.ids(), row.messages(), row.columns());
            for (int g = 0; g < generations; g++) {
                rows.add(row);
                prompts.add(prompt);
            }
        }
        return new AskedPrompts(rows, prompts);
    }

    /// Tokens of prompts and completions. An episode may begin with other tokens than its row.
    /// Equal prompts are one array, so that they are computed once.
    List<CompletionForest.Row> tokens(List<SampledCompletion> sampled) {
        Map<IntBuffer, int[]> known = new HashMap<>();
        rows.forEach(row -> known.putIfAbsent(IntBuffer.wrap(row.ids()), row.ids()));
        List<CompletionForest.Row> tokens = new ArrayList<>();
        for (int i = 0; i < sampled.size(); i++) {
            CompletionForest.Row row = tokens(rows.get(i).ids(), sampled.get(i));
            int[] prompt = known.computeIfAbsent(IntBuffer.wrap(row.prompt()), _ -> row.prompt());
            tokens.add(
                    new CompletionForest.Row(
                            prompt, row.completion(), row.forks(), row.drawable()));
        }
        return tokens;
    }

    /// Tokens of a prompt and its completion. Those of an episode, which may begin with others.
    ///
    /// @param prompt the row's ids
    public static CompletionForest.Row tokens(int[] prompt, SampledCompletion sampled) {
        return new CompletionForest.Row(
                sampled.episode().map(Episode::promptIds).orElse(prompt),
                sampled.ids(),
                sampled.episode().map(AskedPrompts::forks).orElse(List.of()),
                sampled.drawable());
    }

    /// Where turns follow other tokens than those before them.
    private static List<CompletionForest.Fork> forks(Episode episode) {
        List<CompletionForest.Fork> forks = new ArrayList<>();
        int[] starts = episode.turnStarts();
        for (int i = 0; i < starts.length; i++) {
            int at = starts[i];
            episode.turns()
                    .get(i)
                    .context()
                    .ifPresent(c -> forks.add(new CompletionForest.Fork(at, c)));
        }
        return forks;
    }

    /// The rows' columns, `(N)` each; null where a row has none of that name.
    Map<String, List<Object>> columns() {
        Map<String, List<Object>> columns = new LinkedHashMap<>();
        rows.forEach(row -> row.columns().keySet().forEach(n -> columns.put(n, new ArrayList<>())));
        columns.forEach((name, column) -> rows.forEach(row -> column.add(row.columns().get(name))));
        return columns;
    }

    /// Completions with rewards that are there already.
    ///
    /// @param columns shown beside them
    JudgedCompletions judged(
            List<SampledCompletion> sampled,
            CompletionText text,
            RewardTable table,
            Map<String, List<Object>> columns,
            int generations) {
        List<Prompt> begun = new ArrayList<>();
        List<Completion> answers = new ArrayList<>();
        for (int i = 0; i < sampled.size(); i++) {
            begun.add(text.prompt(rows.get(i), sampled.get(i)));
            answers.add(text.completion(rows.get(i), sampled.get(i)));
        }
        Map<String, Double> metrics = new LinkedHashMap<>(CompletionLengths.metrics(sampled));
        metrics.putAll(EpisodeMetrics.of(sampled));
        return new JudgedCompletions(
                tokens(sampled),
                sampled,
                metrics,
                new CompletionTable(new RewardBatch(begun, answers, columns), table, generations));
    }
}
